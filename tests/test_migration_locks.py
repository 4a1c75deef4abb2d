"""That locks which last are seen; tests/test_upgrades.py holds all migrations to it."""

import pytest
from django.db import connection, transaction

from tests.migration_locks import filled_tables, long_locks

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock, for all there is"),
]


@pytest.fixture
def big():
    """A table with rows, and one without."""
    run(
        "CREATE TABLE big (id int PRIMARY KEY, words varchar(20))",
        "INSERT INTO big VALUES (1, 'one')",
        "CREATE TABLE new (id int)",
    )
    assert "big" in filled_tables(connection)
    assert "new" not in filled_tables(connection)
    yield
    run("DROP TABLE big, new")


def run(*statements):
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def found_in(*statements, in_one=False):
    with long_locks(connection, ["big"]) as found:
        if in_one:
            with transaction.atomic():
                run(*statements)
        else:
            run(*statements)
    return found


ADD, FILL = "ALTER TABLE big ADD COLUMN more int", "UPDATE big SET more = id"


def test_rows_that_are_filled_while_their_table_is_locked_are_seen(big):
    [line] = found_in(ADD, FILL, in_one=True)
    assert line == f"works on rows while it locks big: {FILL}"


def test_the_same_one_after_the_other_is_well(big):
    assert found_in(ADD, FILL, "INSERT INTO new SELECT id FROM big", "CREATE INDEX ON new (id)") == []


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("ALTER TABLE big ALTER COLUMN words TYPE int USING 1", "writes big anew"),
        ("ALTER TABLE big ADD COLUMN at timestamptz DEFAULT clock_timestamp()", "writes big anew"),
        ("CREATE INDEX ix ON big (words)", "reads all of big"),
        ("ALTER TABLE big ADD CONSTRAINT positive CHECK (id > 0)", "reads all of big"),
    ],
)
def test_a_statement_that_takes_as_long_as_its_table_is_large_is_seen(statement, words, big):
    assert found_in(statement)[0].startswith(words)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE big ADD COLUMN at int DEFAULT 3 NOT NULL",
        "CREATE INDEX CONCURRENTLY ix ON big (words)",
        "ALTER TABLE big ADD CONSTRAINT positive CHECK (id > 0) NOT VALID",
        "ALTER TABLE new ADD CONSTRAINT positive CHECK (id > 0)",
    ],
)
def test_what_takes_a_moment_is_well(statement, big):
    assert found_in(statement) == []
