"""Figures about a dataset that are kept rather than worked out for every view."""

from django.utils import timezone

from apps.datasets.models import DatasetReport


def kept_report(dataset, kind):
    """The kept report of this kind, or None; `report.is_current` says whether the dataset changed since."""
    report = DatasetReport.objects.filter(dataset=dataset, kind=kind).first()
    if report:
        report.dataset = dataset
    return report


def keep_report(dataset, kind, data, of, seconds=0.0):
    """Keep `data` as what the dataset was at `of`, its `updated_at` before the work began; returns the report."""
    values = {"data": data, "of": of, "seconds": seconds, "computed_at": timezone.now()}
    report, _ = DatasetReport.objects.update_or_create(dataset=dataset, kind=kind, defaults=values)
    report.dataset = dataset
    return report
