"""Reading many pages of rows as they were at one moment, while others go on writing."""

from contextlib import ExitStack, contextmanager

from django.db import connection, transaction


@contextmanager
def one_moment():
    """Inside, every query sees the database as it is at the first one, and nobody waits for the reader.

    PostgreSQL: a repeatable-read transaction. SQLite in WAL mode: a deferred transaction that only reads (the
    platform's others take the write lock at once). For reading only: on this connection a write inside may fail; a
    job says how far it is by `report.later`. Inside another transaction it is that transaction's own isolation.
    """
    if connection.in_atomic_block:
        yield
        return
    if connection.vendor == "sqlite":
        with _deferred_sqlite():
            yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


@contextmanager
def _deferred_sqlite():
    connection.ensure_connection()
    usual = connection.transaction_mode
    with ExitStack() as stack:
        connection.transaction_mode = "DEFERRED"
        try:
            stack.enter_context(transaction.atomic())
        finally:
            connection.transaction_mode = usual
        yield
