"""Names of dataset versions, for who may see their dataset alone.

A model, a training or a deployment may be seen by more people than the dataset behind it: they are told that there is
one, not what it is called.
"""

from django.db.models import Exists, OuterRef

from apps.annotations.models import DatasetVersion
from apps.core.access import Right, may
from apps.datasets.access import visible_to as datasets_visible_to

HIDDEN = "a dataset you cannot see"
DELETED = "a dataset version that is deleted"
MEASURED = ("measured", "int8")  # what of a build's figures were measured on a version


def seen(user, row):
    """`row` (a dataset, or a version with its dataset), or None where `user` may not see the dataset."""
    return row if row and may(user, Right.SEE, getattr(row, "dataset", row)) else None


def figures_seen(user, *figures):
    """Dicts of figures as `user` may see them: `version` and `version_id` are None where the dataset is not theirs to
    see, and where the version is deleted (`is_deleted` says so): whose name it had then, nobody can tell any more.
    The figures of a build have them in what is measured, those of a judgement themselves. One query for all."""
    ids = {one["version_id"] for each in figures for one in _parts(each)}
    visible = Exists(datasets_visible_to(user).filter(pk=OuterRef("dataset")))
    rows = DatasetVersion.objects.filter(pk__in=ids).annotate(is_seen=visible)
    is_seen = dict(rows.values_list("pk", "is_seen")) if ids else {}
    return [_without_names(each, is_seen) for each in figures]


def measured_on(figures):
    """What `figures`, of `figures_seen`, were measured on, in words."""
    return figures["version"] or (DELETED if figures.get("is_deleted") else HIDDEN)


def _parts(figures):
    return [one for one in (figures, *map(figures.get, MEASURED)) if one and "version_id" in one]


def _without_names(figures, is_seen):
    """`is_seen` is {version id: whether it may be named} of those that there are."""
    shown = figures | {
        name: _without_names(figures[name], is_seen) for name in MEASURED if isinstance(figures.get(name), dict)
    }
    if "version_id" in figures and not is_seen.get(figures["version_id"]):
        shown |= {"version": None, "version_id": None}
        if figures["version_id"] not in is_seen:
            shown["is_deleted"] = True
    return shown
