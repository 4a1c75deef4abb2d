"""What belongs to a person or a team, and what goes along when it changes hands. Each app says what it has, in its
`AppConfig.ready`: the kinds that are given (`KINDS`), what follows each (`FOLLOWERS`), what is to be put in order when
one has changed hands (`SETTLERS`: functions of the row), and what must be gone before a team goes (`HELD`)."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction

from apps.core import audit
from apps.core.access import Right, check, holder, refuse_in_team, right_in_team
from apps.core.jobs import UNASKED
from apps.core.models import Job, Work

KINDS, FOLLOWERS, SETTLERS, HELD = {}, defaultdict(list), defaultdict(list), []


class TransferRefused(ValueError):
    """It cannot change hands now; the message says why, and what to do."""


@dataclass(frozen=True)
class Part:
    """Rows that change hands together: `rows(row)` is the query of those that go along with a row.

    `owner` is the field that says whose they are, `kind` names what goes along with each in turn, and where `is_named`
    nobody has two of one name. `page`: the name of the page that lists them, by `?team=`.
    """

    one: str
    many: str
    rows: Callable
    owner: str = "owner"
    kind: str = ""
    is_named: bool = False
    page: str = ""


def jobs_about(kind):
    """The jobs about a row of this kind."""
    return Part("job", "jobs", lambda row: Job.objects.filter(subject=f"{kind}:{row.pk}"))


def all_of(kind, row, spared=()):
    """`{Part: {id: row}}` of a row and all that goes along with it, as far as it is of the same person or team.

    `spared`: kinds that are to stay.
    """
    found = defaultdict(dict, {KINDS[kind]: {row.pk: row}})
    for part in FOLLOWERS[kind]:
        if part.kind and part.kind in spared:
            continue
        whose = {name.replace("owner", part.owner): value for name, value in holder(row).items()}
        for one in part.rows(row).filter(**whose).order_by("pk").distinct():
            found[part][one.pk] = one
            for other, rows in all_of(part.kind, one, spared).items() if part.kind else ():
                found[part if other is KINDS[part.kind] else other] |= rows
    return {part: rows for part, rows in found.items() if rows}


def in_words(parts, kind):
    """What goes along, as “4 jobs”, “1 training”."""
    return counted({part: len(rows) for part, rows in parts.items() if part is not KINDS[kind]})


def counted(counts):
    """`{Part: how many}` in words; what is called alike is one."""
    sums = Counter()
    for part, count in counts.items():
        sums[part.one, part.many] += count
    return [f"{count} {one if count == 1 else many}" for (one, many), count in sums.items()]


@transaction.atomic
def hand_over(actor, kind, row, team=None, spared=()):
    """Give `row`, with all that goes along, to a team, or (None) to `actor`; returns the row afresh.

    Who does it owns it, and is an owner of the team that gets it: else PermissionDenied. Raises TransferRefused.
    """
    row = type(row).objects.select_for_update(of=("self",)).get(pk=row.pk)
    check(actor, Right.MANAGE, row)
    if team is not None and (held := right_in_team(actor, team.pk)) < Right.MANAGE:
        refuse_in_team(team, Right.MANAGE, held)
    before, after = holder(row), {"team_id": team.pk} if team else {"owner_id": actor.pk, "team_id": None}
    if before == after:
        raise TransferRefused(f"It belongs to {f'the team “{team}”' if team else 'you'} already.")
    parts = all_of(kind, row, spared)
    _refuse_work_under_way(parts)
    for part, rows in parts.items():
        values = {name.replace("owner", part.owner): value for name, value in after.items()}
        model = type(next(iter(rows.values())))
        if part.is_named:
            _refuse_taken_names(part, model, rows, values)
        model._base_manager.filter(pk__in=list(rows)).update(**values)
    for part, rows in parts.items():
        for settle in SETTLERS[part.kind]:
            for one in rows.values():
                settle(one)
    row.refresh_from_db()
    for concerned in {before.get("team_id"), row.team_id} - {None}:
        audit.record(
            actor, "transferred", row, concerned, to=str(team or actor), along=in_words(parts, kind),
        )  # fmt: skip
    return row


def _refuse_work_under_way(parts):
    for part, rows in parts.items():
        for one in rows.values():
            if isinstance(one, Work) and one.is_active and getattr(one, "kind", "") not in UNASKED:
                raise TransferRefused(
                    f"A {part.one} of it is under way ({getattr(one, 'kind', one)}): wait until it has ended, or "
                    "cancel it."
                )


def _refuse_taken_names(part, model, rows, values):
    there = model._base_manager.filter(**values, name__in=[one.name for one in rows.values()]).first()
    if there is not None:
        raise TransferRefused(f"There is a {part.one} “{there.name}” already where it is to go. Rename one of them.")


def left_in(team):
    """`[(Part, how many)]` of what must be given away or deleted before the team can go."""
    return [(part, count) for part in HELD if (count := part.rows(team).count())]
