"""A second database beside the tests' own, as another platform has it."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import environ
from django.conf import settings
from django.core.management import CommandError
from django.core.management.color import no_style
from django.core.management.sql import sql_flush
from django.db import connections


@contextmanager
def database(alias, address):
    """Have a database under `alias`: `address` is a URL as in DATABASE_URL."""
    connections.settings[alias] = connections.configure_settings(
        {"default": {}, alias: environ.Env.db_url_config(address)}
    )[alias]
    connections[alias].connect()  # at once: what opens by itself is refused by tests of one database
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


def empty_sqlite(folder):
    """Make an SQLite file with all tables and no rows in a new `folder`; returns its path."""
    path = folder / "platform.sqlite3"
    if connections["default"].vendor != "sqlite":
        platform(folder, "migrate", "--verbosity=0")
    else:
        with connections["default"].cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(path)])
    with database("empty", f"sqlite:///{path}") as alias:
        connection = connections[alias]
        connection.ops.execute_sql_flush(sql_flush(no_style(), connection, reset_sequences=True))
    return path


def platform(data_dir, *command, **environment):
    """Run `manage.py` for the platform in `data_dir`, with SQLite and its own files; returns what it said."""
    ended = subprocess.run(**manage(data_dir, *command, **environment), capture_output=True, text=True, check=False)
    if ended.returncode:
        raise CommandError(ended.stderr)
    return ended.stdout


def manage(data_dir, *command, **environment):
    """What `subprocess` takes to run `manage.py` so."""
    left_out = ("DATABASE_URL", "REDIS_URL", "S3_BUCKET")
    known = {name: value for name, value in os.environ.items() if name not in left_out}
    return {
        "args": [sys.executable, str(settings.BASE_DIR / "manage.py"), *command],
        "env": known | {"DATA_DIR": str(data_dir)} | environment,
    }


@contextmanager
def sqlite_copy(alias, source, target):
    """A database of its own under `alias`, as `source` is."""
    shutil.copy(source, target)
    with database(alias, f"sqlite:///{target}") as name:
        yield name


def schema(connection):
    """What its tables are, whatever the order in which columns came: `{table: [columns, rules]}`, lists as in JSON."""
    with connection.cursor() as cursor:
        return {
            table: [_columns(connection, cursor, table), _rules(connection, cursor, table)]
            for table in sorted(connection.introspection.table_names(cursor))
        }


def _columns(connection, cursor, table):
    described = connection.introspection.get_table_description(cursor, table)
    return sorted([column.name, str(column.type_code), column.null_ok] for column in described)


def _rules(connection, cursor, table):
    """Indexes and constraints; a name that a database gave by itself tells of the way there, and nothing else."""
    known = connection.introspection.get_constraints(cursor, table)
    own = ("__", "fk_", table)
    named = [["" if name.startswith(own) else name, _rule(rule)] for name, rule in known.items()]
    return sorted(named, key=str)


def _rule(rule):
    return {name: list(value) if isinstance(value, tuple) else value for name, value in rule.items()}
