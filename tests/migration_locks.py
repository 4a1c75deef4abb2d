"""What a migration makes everybody wait for, on PostgreSQL: seen by the locks that it holds, not by a clock.

Three things keep a lock that stops writers for as long as a table is large: work on rows after a change of the table
in the same transaction, a statement that writes the table anew, and one that reads all of it under such a lock.
"""

import re
from contextlib import contextmanager

STOPS_WRITERS = ("ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock")
HELD = """
    SELECT DISTINCT relation::regclass::text FROM pg_locks
    WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted AND mode = ANY(%s)
    AND relation::regclass::text = ANY(%s)
"""
FILES = "SELECT oid::regclass::text, relfilenode FROM pg_class WHERE relkind = 'r' AND oid::regclass::text = ANY(%s)"
OF_ROWS = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|COPY)\b", re.IGNORECASE)
OF_THE_SERVER = re.compile(r"\b(pg_\w+|information_schema|django_migrations)\b")  # small, whatever people have
READS_ALL = (
    re.compile(r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)", re.IGNORECASE),
    re.compile(r"ADD CONSTRAINT (?!.*(NOT VALID|USING INDEX))", re.IGNORECASE | re.DOTALL),
)


def filled_tables(connection):
    """The names of the tables that have rows: those that are big on somebody's platform."""
    with connection.cursor() as cursor:
        names = connection.introspection.table_names(cursor)
        quoted = {name: connection.ops.quote_name(name) for name in names}
        found = []
        for name, table in quoted.items():
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")  # noqa: S608 — a table's own name
            found += [name] if cursor.fetchone()[0] else []
    return found


@contextmanager
def long_locks(connection, tables):
    """Yields a list that gets a line for each statement on this connection that keeps writers of `tables` waiting.

    On another database than PostgreSQL it stays empty.
    """
    if connection.vendor != "postgresql":
        yield []
        return
    watch = _Watch(connection, tables)
    with connection.execute_wrapper(watch):
        yield watch.found


class _Watch:
    def __init__(self, connection, tables):
        self.connection, self.tables, self.found, self.asks = connection, tables, [], False
        self.files = dict(self._ask(FILES, [tables]))

    def __call__(self, execute, sql, params, many, context):
        if self.asks:
            return execute(sql, params, many, context)
        text = str(sql)
        held = [name for (name,) in self._ask(HELD, [list(STOPS_WRITERS), self.tables])]
        if held and OF_ROWS.match(text) and not OF_THE_SERVER.search(text):
            self._note(f"works on rows while it locks {', '.join(held)}", text)
        if any(one.search(text) for one in READS_ALL) and (named := self._named(text)):
            self._note(f"reads all of {', '.join(named)} under a lock", text)
        answer = execute(sql, params, many, context)
        files = dict(self._ask(FILES, [self.tables]))
        anew = [name for name, file in files.items() if self.files.get(name, file) != file]
        if anew:
            self._note(f"writes {', '.join(anew)} anew", text)
        self.files = files
        return answer

    def _named(self, text):
        """The table that a change is of; those that a foreign key points at are not read."""
        changed = re.search(r"(?:ALTER TABLE|\bON)\s+(?:ONLY\s+)?\"?(\w+)\"?", text, re.IGNORECASE)
        return [name for name in self.tables if changed and changed[1] == name]

    def _ask(self, sql, params):
        """Rows of the server's own tables, asked beside what is watched; none while a transaction is broken."""
        self.asks = True
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql, params)
                return cursor.fetchall()
        finally:
            self.asks = False

    def _note(self, what, text):
        self.found.append(f"{what}: {' '.join(text.split())[:160]}")
