"""Storage by owner, for the operator to read."""

from django.urls import reverse

from apps.accounts.models import User
from apps.accounts.teams.models import Team
from apps.core import usage
from apps.core.quotas import Limits

MODELS = {"person": User, "team": Team}


def holders_by_bytes():
    """(rows of {name, what, link, sizes, total, most}, the kinds' names, {sizes, total} of all), most bytes first."""
    kinds = [kind.name for kind in usage.KINDS]
    found, limits = usage.by_holder(), Limits()
    rows = []
    for what, model in MODELS.items():
        known = model.objects.in_bulk([pk for kind, pk in found if kind == what])
        rows += [_row(one, what, found[what, pk], kinds, limits.most(what, pk)) for pk, one in known.items()]
    rows.sort(key=lambda row: (-row["total"], row["name"]))
    sums = [sum(sizes) for sizes in zip(*(row["sizes"] for row in rows), strict=True)]
    return rows, kinds, {"sizes": sums, "total": sum(sums)}


def _row(one, what, sizes, kinds, most):
    link = reverse(f"admin:{one._meta.app_label}_{one._meta.model_name}_change", args=[one.pk])
    sizes = [sizes.get(kind, 0) for kind in kinds]
    return {"name": str(one), "what": what, "link": link, "sizes": sizes, "total": sum(sizes), "most": most}
