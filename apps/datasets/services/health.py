"""What the pages and the API say of the work on a dataset's health."""

from apps.core.models import Job


def under_way(dataset, kind):
    """The job of this kind that is waiting or running for a dataset, or None."""
    return _jobs(dataset, kind).filter(status__in=Job.ACTIVE).first()


def failure(dataset, kind, since):
    """The words of the newest job of this kind where it failed, after `since`; else ""."""
    job = _jobs(dataset, kind).first()
    if job is None or job.status != Job.Status.FAILED or (since and job.created_at < since):
        return ""
    return job.error_message


def _jobs(dataset, kind):
    return Job.objects.filter(subject=f"dataset:{dataset.pk}", kind=kind)
