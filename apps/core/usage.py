"""How many bytes whose files take, summed in the database. Each app says in `AppConfig.ready` what it has (`KINDS`)."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from django.db.models import Q, Sum

KINDS = []


@dataclass(frozen=True)
class Kind:
    """Rows with stored files: `rows()` is their query, `size` their field of bytes, `way` to the row that has an owner.

    `way` is a prefix of the fields `owner` and `team`, as "dataset__". Without `has_team` it is always a person's own.
    """

    name: str
    rows: Callable
    size: str
    way: str = ""
    has_team: bool = True
    is_kept: bool = True  # until somebody deletes it: it counts in quotas

    def held_by(self, owner=None, team=None):
        """The rows of a team (its id), or a person's own."""
        if not self.has_team:
            return self.rows().filter(**{f"{self.way}owner": owner}) if owner else self.rows().none()
        whose = Q(**{f"{self.way}team": team}) if team else Q(**{f"{self.way}owner": owner, f"{self.way}team": None})
        return self.rows().filter(whose)


def by_holder():
    """`{("person" or "team", id): {kind: bytes}}` of all who have any."""
    found = defaultdict(dict)
    for kind in KINDS:
        fields = [f"{kind.way}owner", f"{kind.way}team"] if kind.has_team else [f"{kind.way}owner"]
        for owner, *team, size in kind.rows().order_by().values_list(*fields).annotate(size=Sum(kind.size)):
            if size:
                sizes = found[("team", team[0]) if team and team[0] else ("person", owner)]
                sizes[kind.name] = sizes.get(kind.name, 0) + size
    return dict(found)


def used_by(owner=None, team=None):
    """Bytes that a team (its id) keeps, or a person (their id) as their own."""
    kept = (kind.held_by(owner, team).aggregate(size=Sum(kind.size))["size"] or 0 for kind in KINDS if kind.is_kept)
    return sum(kept)
