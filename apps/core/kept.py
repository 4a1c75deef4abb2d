"""For how long core keeps what it keeps: files and rows of jobs, uploads, results of tasks, sessions, the audit log."""

from datetime import timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import Sum
from django.utils import timezone
from django_celery_results.models import TaskResult

from apps.core import audit, jobs, sent_files, uploads
from apps.core.models import AuditEvent, Job, Upload
from apps.core.retention import Going, Rule, days_ago, delete_in_pieces, next_of, stored_bytes
from apps.core.webhooks import delivering
from apps.core.webhooks.models import Delivery

NOT_YET = timedelta(0)


def job_files_due(now):
    over = jobs.with_expired_files(now)
    names = {name for row in over.values_list("upload", "file") for name in row if name}
    files, size = stored_bytes(names)
    later = Job.objects.filter(expires_at__gte=now).exclude(upload="", file="")
    return Going(over.count(), files, size, next_of(later, "expires_at", NOT_YET))


def uploads_due(now):
    over = Upload.objects.filter(expires_at__lt=now)
    size = over.aggregate(size=Sum("offset"))["size"] or 0
    return Going(
        over.count(), over.count(), size, next_of(Upload.objects.filter(expires_at__gte=now), "expires_at", NOT_YET)
    )


def unsent_due(now):
    later = Job.objects.filter(status=Job.Status.PAUSED, expires_at__gte=now)
    return Going(sent_files.overdue(now).count(), next_at=next_of(later, "expires_at", NOT_YET))


def old_jobs(now):
    """Ended jobs older than JOB_DAYS that have no files any more; none where they are kept forever."""
    before = days_ago(now, settings.JOB_DAYS)
    ended = Job.objects.filter(status__in=Job.ENDED, upload="", file="")
    return ended.filter(completed_at__lt=before) if before else ended.none()


def jobs_due(now):
    return _rows(old_jobs(now), Job.objects.filter(status__in=Job.ENDED), "completed_at", settings.JOB_DAYS, now)


def old_task_results(now):
    return TaskResult.objects.filter(date_done__lt=now - settings.CELERY_RESULT_EXPIRES)


def task_results_due(now):
    return _rows(old_task_results(now), TaskResult.objects.all(), "date_done", settings.TASK_RESULT_DAYS, now)


def sessions_due(now):
    over, later = Session.objects.filter(expire_date__lt=now), Session.objects.filter(expire_date__gte=now)
    return Going(over.count(), next_at=next_of(later, "expire_date", NOT_YET))


def old_events(now):
    before = days_ago(now, settings.AUDIT_DAYS)
    return AuditEvent.objects.filter(at__lt=before) if before else AuditEvent.objects.none()


def events_due(now):
    return _rows(old_events(now), AuditEvent.objects.all(), "at", settings.AUDIT_DAYS, now)


def deliveries_due(now):
    rows = Delivery.objects.exclude(status=Delivery.Status.PENDING)
    return _rows(delivering.old_log(now), rows, "created_at", settings.WEBHOOK_LOG_DAYS, now)


def forget_events():
    before = days_ago(timezone.now(), settings.AUDIT_DAYS)
    return audit.forget_before(before) if before else 0


def _rows(over, all_rows, name, days, now):
    """Going of rows that are kept for so many days from their field `name` on; 0 days: forever."""
    if not days:
        return Going()
    kept = timedelta(days=days)
    return Going(over.count(), next_at=next_of(all_rows.filter(**{f"{name}__gte": now - kept}), name, kept))


RULES = [
    Rule("Files of jobs", "JOB_FILE_HOURS", job_files_due, jobs.expire_files, "hour"),
    Rule("Uploads that no job took", "JOB_FILE_HOURS", uploads_due, uploads.sweep_uploads, "hour"),
    Rule("Pictures announced and not sent", "S3_SIGNED_SECONDS", unsent_due, sent_files.sweep, "hour"),
    Rule("Ended jobs", "JOB_DAYS", jobs_due, lambda: delete_in_pieces(old_jobs(timezone.now()))),
    Rule(
        "Results of tasks", "TASK_RESULT_DAYS", task_results_due,
        lambda: delete_in_pieces(old_task_results(timezone.now())),
    ),
    Rule(
        "Sessions that are over", "SESSION_COOKIE_AGE", sessions_due,
        lambda: delete_in_pieces(Session.objects.filter(expire_date__lt=timezone.now())),
    ),
    Rule("Log of webhooks", "WEBHOOK_LOG_DAYS", deliveries_due, delivering.expire_log, "hour"),
    Rule("Audit log", "AUDIT_DAYS", events_due, forget_events),
]  # fmt: skip
