"""Writing counts: added to the rows that are there, under their locks, so that nobody's are lost."""

from functools import reduce
from operator import or_
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q

from apps.accounts.models import ApiToken
from apps.inference.models import Deployment, TokenUsage, Traffic
from apps.inference.monitoring.counts import add
from apps.models.models import TrainedModel

AT_ONCE = 100  # rows named in one query
GROWN = ["requests", "errors", "counts"]


class Key(NamedTuple):
    """Which bucket: `step` as in Traffic.Step, `start` its first moment."""

    deployment_id: int | None
    model_id: int | None
    step: str
    start: object

    @property
    def order(self):
        """All processes lock rows in the same order."""
        return self.deployment_id or 0, self.model_id or 0, self.step, self.start

    @property
    def query(self):
        return Q(**self._asdict())


class Day(NamedTuple):
    """Which token on which day (UTC)."""

    token_id: int
    day: object


@transaction.atomic
def store(traffic, usage):
    """Add `{Key: counts}` to Traffic and `{Day: numbers}` to TokenUsage: all or nothing.

    What belongs to a deployment, model or token that was deleted meanwhile is left out.
    """
    keys = sorted(_known(traffic), key=lambda key: key.order)
    for first in range(0, len(keys), AT_ONCE):
        add_counts({key: traffic[key] for key in keys[first : first + AT_ONCE]})
    if usage:
        _add_usage(usage)


def add_counts(traffic):
    """Add `{Key: counts}`, in order of their keys, within the caller's transaction."""
    Traffic.objects.bulk_create([Traffic(**key._asdict()) for key in traffic], ignore_conflicts=True)
    query = reduce(or_, (key.query for key in traffic))
    rows = list(Traffic.objects.filter(query).order_by("pk").select_for_update())
    for row in rows:
        grow(row, traffic[Key(row.deployment_id, row.model_id, row.step, row.start)])
    Traffic.objects.bulk_update(rows, GROWN)


def grow(row, counts):
    """Add counts to a row that is locked; it is not saved yet."""
    statuses = add(row.counts, counts)["statuses"]
    row.requests = sum(statuses.values())
    row.errors = sum(number for status, number in statuses.items() if int(status) >= 400)


def _known(traffic):
    """The keys whose deployment and model are there."""
    deployments = Deployment.objects.filter(pk__in={key.deployment_id for key in traffic} - {None})
    models = TrainedModel.objects.filter(pk__in={key.model_id for key in traffic})
    deployments = {None, *deployments.values_list("pk", flat=True)} if traffic else ()
    models = set(models.values_list("pk", flat=True)) if traffic else ()
    return [key for key in traffic if key.deployment_id in deployments and key.model_id in models]


def _add_usage(usage):
    tokens = ApiToken.objects.in_bulk({day.token_id for day in usage})
    days = sorted(day for day in usage if day.token_id in tokens)
    TokenUsage.objects.bulk_create(
        [
            TokenUsage(
                token_id=token_id, day=day, user_id=tokens[token_id].user_id, token_name=tokens[token_id].name
            )
            for token_id, day in days
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    for one in days:
        more = {field: F(field) + number for field, number in usage[one].items()}
        TokenUsage.objects.filter(**one._asdict()).update(**more)
