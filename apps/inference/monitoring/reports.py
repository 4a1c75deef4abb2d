"""What is shown of the traffic of a deployment or model in a span of time: totals, series, and drift."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Sum
from django.utils import timezone

from apps.inference.models import Traffic
from apps.inference.monitoring import counts as c
from apps.inference.monitoring import floods
from apps.inference.monitoring.comparison import compared
from apps.models.models import TrainedModel

PERCENTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


@dataclass(frozen=True)
class Span:
    """How far back, in points how far apart."""

    words: str
    length: timedelta
    point: timedelta


SPANS = {
    "hour": Span("the last hour", timedelta(hours=1), timedelta(minutes=1)),
    "day": Span("the last 24 hours", timedelta(days=1), timedelta(minutes=15)),
    "week": Span("the last 7 days", timedelta(days=7), timedelta(hours=2)),
    "month": Span("the last 30 days", timedelta(days=30), timedelta(hours=12)),
}


def report(rows, span_name, model, defaults=None, now=None):
    """The figures of `rows` (a queryset of Traffic) in a span, as the API answers them.

    `model` answers now: it is what drift is about (None: no drift); `defaults` are its deployment's.
    """
    span, now = SPANS[span_name], now or timezone.now()
    starts = starts_of(span, now)
    rows = list(rows.filter(start__gte=starts[0], start__lte=now).order_by("start", "pk"))
    points = [{} for _ in starts]
    for row in rows:
        c.add(points[int((row.start - starts[0]) / span.point)], row.counts)
    total = {}
    for counts in points:
        c.add(total, counts)
    return {
        "range": span_name, "from": starts[0], "to": now, "step_seconds": int(span.point.total_seconds()),
        "totals": _totals(total, now - starts[0]), "series": _series(starts, points, total),
        "classes": _classes(rows, starts[0], span, len(starts)), "confidence": _confidence(points, total),
        "refused_unread": floods.refused_since(starts[0], now), "models": _models(rows),
        "drift": compared(rows, model, defaults) if model else None,
    }  # fmt: skip


def traffic_of_deployment(deployment):
    """What was asked by its name, whichever model answered."""
    return Traffic.objects.filter(deployment=deployment)


def traffic_of_model(model):
    """What it answered, asked by its own id or through deployments."""
    return Traffic.objects.filter(model=model)


def starts_of(span, now):
    """The first moments of the points; they lie at whole multiples of the distance, the last one holds `now`."""
    last = now.timestamp() // span.point.total_seconds() * span.point.total_seconds()
    last = datetime.fromtimestamp(last, UTC)
    number = int(span.length / span.point)
    return [last - span.point * (number - 1 - place) for place in range(number)]


def _totals(total, length):
    statuses = total.get("statuses", {})
    requests, answered = sum(statuses.values()), sum(total.get("latency", {}).values())
    errors = sum(number for status, number in statuses.items() if int(status) >= 400)
    return {
        "requests": requests,
        "requests_per_minute": round(requests / (length.total_seconds() / 60), 2),
        "answered": answered,
        "errors": errors,
        "error_share": round(errors / requests, 5) if requests else None,
        "statuses": dict(sorted(statuses.items())),
        "objects": total.get("objects", 0),
        "objects_per_image": round(total.get("objects", 0) / answered, 2) if answered else None,
        "latency_ms": _latency(total) | {"error": c.LATENCY_ERROR},
    }


def _latency(counts):
    times = {name: c.percentile(counts.get("latency", {}), share) for name, share in PERCENTILES}
    return {name: time and round(time, 2) for name, time in times.items()}


def _series(starts, points, total):
    statuses = sorted(total.get("statuses", {}))
    latency = [_latency(counts) for counts in points]
    return {
        "at": starts,
        "requests": [sum(counts.get("statuses", {}).values()) for counts in points],
        "statuses": {one: [counts.get("statuses", {}).get(one, 0) for counts in points] for one in statuses},
        "latency_ms": {name: [times[name] for times in latency] for name, _ in PERCENTILES},
    }


def _classes(rows, first, span, number):
    """Detections by the name of their class: versions of a model may number the same classes otherwise."""
    models = TrainedModel.objects.only("class_names").in_bulk({row.model_id for row in rows} - {None})
    found = {}
    for row in rows:
        names = models[row.model_id].class_names if row.model_id in models else []
        for class_id, count in row.counts.get("classes", {}).items():
            name = names[int(class_id)] if int(class_id) < len(names) else f"class {class_id}"
            series = found.setdefault(name, [0] * number)
            series[int((row.start - first) / span.point)] += count
    ranked = sorted(found.items(), key=lambda one: (-sum(one[1]), one[0]))
    return [{"class_name": name, "count": sum(series), "series": series} for name, series in ranked]


def _confidence(points, total):
    """Rows are points, columns twentieths of confidence."""

    def filled(counts):
        bins = counts.get("confidence", {})
        return [bins.get(str(place), 0) for place in range(c.CONFIDENCE_BINS)]

    bounds = [round(place / c.CONFIDENCE_BINS, 2) for place in range(c.CONFIDENCE_BINS + 1)]
    return {"bounds": bounds, "total": filled(total), "series": [filled(counts) for counts in points]}


def ways_of(rows, span_name, now=None):
    """How a model was asked in a span: `[{deployment_id, name, requests}]`, by its own id with None; busiest first."""
    span, now = SPANS[span_name], now or timezone.now()
    rows = rows.filter(start__gte=starts_of(span, now)[0], start__lte=now).order_by()
    sums = rows.values_list("deployment_id", "deployment__name").annotate(asked=Sum("requests"))
    return [
        {"deployment_id": pk, "name": name or "", "requests": asked}
        for pk, name, asked in sorted(sums, key=lambda one: (-one[2], one[0] or 0))
    ]  # fmt: skip


def _models(rows):
    """Which models answered how many, the busiest first."""
    asked = {}
    for row in rows:
        asked[row.model_id] = asked.get(row.model_id, 0) + row.requests
    models = TrainedModel.objects.select_related("line").only("number", "line__name").in_bulk(set(asked) - {None})
    return [
        {"model_id": pk, "name": models[pk].title if pk in models else "a deleted model", "requests": number}
        for pk, number in sorted(asked.items(), key=lambda one: -one[1])
    ]
