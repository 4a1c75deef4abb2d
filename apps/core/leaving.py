"""What goes along when a person is deleted. Each app says what a person may have, in its `AppConfig.ready`.

Apps get ready from the lowest floor up, and what stands on others goes first: so ESTATE is gone through from its end.
"""

from collections.abc import Callable
from dataclasses import dataclass

from apps.core.belongings import counted

ESTATE = []


class PersonStays(ValueError):
    """The person cannot be deleted now; the message says why, and what to do."""


def nothing(user):
    """No reason against it."""
    return ()


@dataclass(frozen=True)
class Possession:
    """Rows that are a person's own, not a team's.

    `rows(user)` is the query of them, `delete(rows, actor)` deletes them with their files, in the transaction that is
    under way, and writes down what is worth it. `against(user)` gives sentences that say what must be done before.
    """

    one: str
    many: str
    rows: Callable
    delete: Callable
    against: Callable = nothing


def possessions_of(user):
    """All that is this person's own, in words: “2 datasets”."""
    return counted({part: count for part in reversed(ESTATE) if (count := part.rows(user).count())})


def reasons_against(user):
    """Sentences that say what stands in the way of deleting this person; empty: nothing does."""
    return [reason for part in reversed(ESTATE) for reason in part.against(user)]


def delete_possessions(user, actor):
    """Delete all that is this person's own; inside a transaction. Raises PersonStays."""
    for part in reversed(ESTATE):
        part.delete(part.rows(user), actor)


def each(delete):
    """Delete rows one by one, each by the service that every other door calls: `delete(row, actor)`."""

    def delete_all(rows, actor):
        for row in rows.order_by("pk"):
            delete(row, actor)

    return delete_all


def named(rows, most=3):
    """The first names of a query's rows, “a”, “b” and 4 more, for a sentence."""
    names = [f"“{row}”" for row in rows[: most + 1]]
    if len(names) <= most:
        return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
    return f"{', '.join(names[:most])} and {rows.count() - most} more"
