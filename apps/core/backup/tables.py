"""The tables that a restore fills: whether anything is in them, and making them as the backup's release had them."""

from django.apps import apps
from django.core.management.color import no_style
from django.db import connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from apps.core.backup import BackupError
from apps.core.backup.lists import read_list
from apps.core.backup.values import kind_of, reader
from apps.core.steps import step_by_step

MADE_BY_MIGRATE = ("contenttypes", "auth")  # an empty platform has rows of these
ROWS_AT_ONCE = 1000


def check_migrations(manifest, using):
    """Raise BackupError where this release does not know the tables of the backup."""
    known = set(MigrationLoader(connections[using]).disk_migrations)
    strange = [name for name in map(tuple, manifest.migrations) if name not in known]
    if strange:
        listed = ", ".join(".".join(name) for name in strange[:5])
        raise BackupError(
            f"Backup {manifest.name} was made by a release that this one does not know ({listed}): "
            "restore it with that release or a newer one."
        )


def filled_tables(using):
    """The names of tables that have rows, but for what an empty platform has."""
    connection, filled = connections[using], []
    here = set(connection.introspection.table_names())
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if table in here and model._meta.app_label not in MADE_BY_MIGRATE:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608
                filled += [table] if cursor.fetchone() else []
    return filled


def make_tables(manifest, using):
    """Have the tables as the backup's release had them; returns the apps of that state.

    Tables of another release are dropped with all that is in them.
    """
    connection = connections[using]
    executor = step_by_step(connection)
    as_one = executor.loader.replacements.keys()
    wanted = {tuple(name) for name in manifest.migrations} - as_one
    if executor.loader.applied_migrations.keys() - as_one != wanted:
        _drop_tables(manifest, connection)
        executor = step_by_step(connection)
    executor.loader.check_consistent_history(connection)
    targets = _newest(wanted, executor.loader.graph)
    executor.migrate(targets)
    if set(executor.loader.graph.leaf_nodes()) <= wanted:
        return apps  # the tables of today
    return executor.loader.project_state(targets).apps


def _newest(wanted, graph):
    """Of migrations those that no other one of their app follows."""
    found = sorted(wanted & graph.nodes.keys())
    return [
        one for one in found if not any(c.key in wanted and c.key[0] == one[0] for c in graph.node_map[one].children)
    ]


def _drop_tables(manifest, connection):
    """Drop the platform's tables; what else lies in the database stays."""
    ours = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    ours |= {table["table"] for table in manifest.tables} | {MigrationRecorder.Migration._meta.db_table}
    cascade = " CASCADE" if connection.vendor == "postgresql" else ""
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in sorted(ours & set(connection.introspection.table_names())):
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(table)}{cascade}")


def fill_tables(manifest, state, using, shelf, progress):
    """Have the backup's rows instead of those that are there, in one transaction: all, or nothing is changed."""
    connection = connections[using]
    models = {model._meta.db_table: model for model in state.get_models(include_auto_created=True)}
    with transaction.atomic(using=using), connection.cursor() as cursor:
        for table in sorted(models.keys() & set(connection.introspection.table_names(cursor))):
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608
        for table in manifest.tables:
            if table["table"] not in models:
                raise BackupError(f"The backup has a table {table['table']} that its release should not have.")
            _fill(table, models[table["table"]], connection, cursor, shelf)
            progress.table(table)
        connection.check_constraints()
        _set_next_ids(manifest, models, connection, cursor)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _fill(table, model, connection, cursor, shelf):
    fields = {field.column: field for field in model._meta.concrete_fields}
    columns = [column for column, _ in table["columns"]]
    if unknown := [column for column in columns if column not in fields]:
        raise BackupError(f"The backup has columns of {table['table']} that are not there: {', '.join(unknown)}.")
    chosen = [(fields[column], reader(kind)) for column, kind in table["columns"]]
    names = ", ".join(map(connection.ops.quote_name, columns))
    places = ", ".join(["%s"] * len(columns))
    insert = f"INSERT INTO {connection.ops.quote_name(table['table'])} ({names}) VALUES ({places})"  # noqa: S608
    batch = []
    for row in read_list(shelf, table):
        batch.append(
            [_prepared(field, read(value), connection) for (field, read), value in zip(chosen, row, strict=True)]
        )
        if len(batch) == ROWS_AT_ONCE:
            cursor.executemany(insert, batch)
            batch = []
    if batch:
        cursor.executemany(insert, batch)


def _prepared(field, value, connection):
    """A value as the driver takes it; what a JSON column holds as `null` is not a missing value."""
    if value is None and not field.null and kind_of(field) == "json":
        return connection.ops.adapt_json_value(None, None)
    return field.get_db_prep_save(value, connection)


def _set_next_ids(manifest, models, connection, cursor):
    """No id of a deleted row is given again: notes of old deletions would meet new rows."""
    if connection.vendor == "sqlite":
        for table in manifest.tables:
            if table["last_id"]:
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table["table"]])
                cursor.execute("INSERT INTO sqlite_sequence VALUES (%s, %s)", [table["table"], table["last_id"]])
        return
    for statement in connection.ops.sequence_reset_sql(no_style(), list(models.values())):
        cursor.execute(statement)
    for table in manifest.tables:
        if table["last_id"]:
            column = models[table["table"]]._meta.pk.column
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, %s), %s)", [f'"{table["table"]}"', column, table["last_id"]]
            )
