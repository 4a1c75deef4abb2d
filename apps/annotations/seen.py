"""Names of dataset versions, for who may see their dataset alone.

A model, a training or a deployment may be seen by more people than the dataset behind it: they are told that there is
one, not what it is called.
"""

from apps.annotations.models import DatasetVersion
from apps.core.access import Right, may
from apps.datasets.access import visible_to as datasets_visible_to

HIDDEN = "a dataset you cannot see"
MEASURED = ("measured", "int8")  # what of a build's figures were measured on a version


def seen(user, row):
    """`row` (a dataset, or a version with its dataset), or None where `user` may not see the dataset."""
    return row if row and may(user, Right.SEE, getattr(row, "dataset", row)) else None


def figures_seen(user, *figures):
    """Dicts of figures as `user` may see them: `version` and `version_id` are None where the dataset is not theirs to
    see. The figures of a build have them in what is measured, those of a judgement themselves. One query for all."""
    ids = {one["version_id"] for each in figures for one in _parts(each)}
    visible = datasets_visible_to(user)
    known = (
        set(DatasetVersion.objects.filter(pk__in=ids, dataset__in=visible).values_list("pk", flat=True)) if ids else ()
    )
    return [_without_names(each, known) for each in figures]


def _parts(figures):
    return [one for one in (figures, *map(figures.get, MEASURED)) if one and "version_id" in one]


def _without_names(figures, known):
    inner = {name: _without_names(figures[name], known) for name in MEASURED if isinstance(figures.get(name), dict)}
    is_hidden = "version_id" in figures and figures["version_id"] not in known
    return figures | inner | ({"version": None, "version_id": None} if is_hidden else {})
