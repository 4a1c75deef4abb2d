"""All rows of the database as one moment had them, while the platform writes on."""

from contextlib import contextmanager

from django.apps import apps
from django.db import connections, transaction
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import FileField

from apps.core.backup.lists import ListWriter
from apps.core.backup.values import kind_of, writer

# Who is signed in, and what became of tasks: worth nothing later, and a session in the wrong hands is a way in.
LEFT_OUT = ("sessions", "django_celery_results")
IDS_A_PIECE = 20_000  # by ids, so that a deleted row changes its own piece only


def backed_up_models():
    """Every model whose rows are in a backup, those that Django makes for many-to-many relations included."""
    models = apps.get_models(include_auto_created=True)
    found = (model for model in models if model._meta.managed and not model._meta.proxy)
    return [model for model in found if model._meta.app_label not in LEFT_OUT]


@contextmanager
def snapshot(using):
    """Within it, every query sees the rows of one moment, and nobody waits for it."""
    connection = connections[using]
    if connection.vendor == "sqlite":
        with _sqlite_snapshot(connection):
            yield
    else:
        with transaction.atomic(using=using, durable=True), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield


@contextmanager
def _sqlite_snapshot(connection):
    """A transaction that reads: Django's own would begin as one that writes, and hold up everyone who does."""
    with connection.cursor() as cursor:
        if connection.in_atomic_block:  # then it sees one moment already
            yield
            return
        cursor.execute("BEGIN DEFERRED")
        try:
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")  # the moment is that of the first look
            yield
        finally:
            cursor.execute("ROLLBACK")


def applied_migrations(using):
    """`[[app, name]]` of the migrations that the database has been through."""
    return sorted([app, name] for app, name in MigrationRecorder(connections[using]).applied_migrations())


def write_table(model, using, shelf, again, is_stored):
    """Write the rows of a model; returns (its list, with name and columns; the files that are not stored).

    Those files are `[(model, field name, stored name)]` of which `is_stored(name)` says no.
    """
    fields = model._meta.concrete_fields
    writers = [writer(kind_of(field)) for field in fields]
    of_files = [place for place, field in enumerate(fields) if isinstance(field, FileField)]
    id_place = fields.index(model._meta.pk)
    rows = model._base_manager.using(using).order_by("pk").values_list(*(field.attname for field in fields))
    out, missing = ListWriter(shelf, again), []
    for row in rows.iterator(chunk_size=2000):
        group = row[id_place] // IDS_A_PIECE if isinstance(row[id_place], int) else None
        out.add([write(value) for write, value in zip(writers, row, strict=True)], group)
        missing += [
            (model, fields[place].attname, row[place])
            for place in of_files
            if row[place] and not is_stored(row[place])
        ]  # fmt: skip
    told = {
        "table": model._meta.db_table,
        "columns": [[field.column, kind_of(field)] for field in fields],
        "last_id": last_id(model, using),
        **out.end(),
    }
    return told, missing


def last_id(model, using):
    """The highest id that the database ever gave to a row of this model, or None: a given one never comes again."""
    field, connection = model._meta.pk, connections[using]
    if not field.db_returning or field.is_relation:
        return None
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
            found = cursor.fetchone()
            return found[0] if found else None
        cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [f'"{model._meta.db_table}"', field.column])
        (sequence,) = cursor.fetchone()
        if sequence is None:
            return None
        cursor.execute(f"SELECT CASE WHEN is_called THEN last_value END FROM {sequence}")  # noqa: S608 — the database's own word
        return cursor.fetchone()[0]
