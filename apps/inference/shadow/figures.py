"""What is said of a shadow: read from the counts of the last fourteen days."""

from datetime import timedelta

from apps.datasets.models import DatasetImage
from apps.inference.models import ShadowSample, ShadowTraffic
from apps.inference.monitoring.counts import add
from apps.inference.shadow.compare import quantile
from apps.inference.shadow.counting import MINUTES

MOST_POINTS = 96
STEPS = (MINUTES, 10, 15, 30, 60, 120, 240, 360)  # minutes of a point of the chart


def figures_of(deployment):
    """The shadow against the live model of now; `answered` is 0 where nothing is known yet.

    Agreement is the share of the boxes that either found which both found (same class, IoU 0.5 at least).
    """
    rows = list(traffic_of(deployment))
    sums, counts = {"answered": 0, "skipped": 0, "failed": 0}, {}
    for row in rows:
        add(sums, {name: getattr(row, name) for name in sums})
        add(counts, row.counts)
    classes = [_class(name, row) for name, row in sorted(counts.get("classes", {}).items())]
    boxes = add({"both": 0, "live": 0, "shadow": 0}, {})
    for one in classes:
        add(boxes, {name: one[name] for name in boxes})
    return {
        **sums, "since": rows[0].start if rows else None, "until": rows[-1].start if rows else None,
        "same": counts.get("same", 0), "same_share": _share(counts.get("same", 0), sums["answered"]),
        **boxes, "agreement": agreement(boxes), "classes": classes,
        "differences": [
            {"difference": tenth / 10, "boxes": counts.get("differences", {}).get(str(tenth), 0)}
            for tenth in range(-10, 11)
        ],
        "live_ms": latency(counts.get("live_ms", {})), "shadow_ms": latency(counts.get("shadow_ms", {})),
        "points": points(rows),
    }  # fmt: skip


def traffic_of(deployment):
    """The rows about the models that are live and shadow now, the oldest first."""
    return ShadowTraffic.objects.filter(
        deployment=deployment, live=deployment.model_id, shadow=deployment.shadow_id
    ).order_by("start")


def agreement(boxes):
    """Of {"both", "live", "shadow"}: the share that both found; None without a box."""
    return _share(boxes["both"], boxes["both"] + boxes["live"] + boxes["shadow"])


def latency(slots):
    """{p50, p95} in milliseconds of decoding and answering, without waiting and HTTP."""
    return {"p50": quantile(slots, 0.5), "p95": quantile(slots, 0.95)}


def points(rows):
    """The chart: at most some hundred points in time, each over as many minutes as that takes."""
    if not rows:
        return []
    minutes = (rows[-1].start - rows[0].start) / timedelta(minutes=1)
    step = next((step for step in STEPS if minutes / step < MOST_POINTS), STEPS[-1])
    joined = {}
    for row in rows:
        place = int((row.start - rows[0].start) / timedelta(minutes=step))
        point = joined.setdefault(place, {"answered": 0, "skipped": 0, "failed": 0, "counts": {}})
        add(point, {name: getattr(row, name) for name in ("answered", "skipped", "failed", "counts")})
    return [_point(rows[0].start + timedelta(minutes=step * place), joined[place]) for place in sorted(joined)]


def _point(start, sums):
    counts = sums.pop("counts")
    boxes = {"both": 0, "live": 0, "shadow": 0}
    for row in counts.get("classes", {}).values():
        add(boxes, {name: row[name] for name in boxes})
    return {
        "start": start.isoformat(), **sums, **boxes, "agreement": agreement(boxes),
        "live_ms": quantile(counts.get("live_ms", {}), 0.5), "shadow_ms": quantile(counts.get("shadow_ms", {}), 0.5),
    }  # fmt: skip


def _class(name, row):
    return {
        "name": name, **{side: row[side] for side in ("both", "live", "shadow")}, "agreement": agreement(row),
        "moved": _share(row["moved"], row["both"]), "apart": _share(row["apart"], row["both"]),
    }  # fmt: skip


def _share(part, whole):
    return part / whole if whole else None


def samples_of(deployment, dataset, most=12):
    """The answers that differ most, each with its `image` of this dataset; those whose image went are left out."""
    if dataset is None:
        return []
    rows = list(
        ShadowSample.objects.filter(deployment=deployment, live=deployment.model_id, shadow=deployment.shadow_id)
    )
    images = {
        image.sha256: image
        for image in DatasetImage.objects.filter(dataset=dataset, sha256__in=[row.sha256 for row in rows])
    }
    shown = [row for row in rows if row.sha256 in images][:most]
    for row in shown:
        row.image = images[row.sha256]
        row.sides = [("live", row.live_boxes), ("shadow", row.shadow_boxes)]
    return shown
