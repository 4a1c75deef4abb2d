"""For how long run folders and logs of trainings are kept."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.core.retention import Going, Rule, days_ago, delete_in_pieces, next_of
from apps.training.models import TrainingJob, TrainingLogPiece, TrainingUsage
from apps.training.services.retention import clean_runs, due_folders


def folders_due(now):
    """Run folders of this machine: other trainers have their own."""
    folders = due_folders(now)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return Going(len(folders), len(files), sum(path.stat().st_size for path in files))


def old_logs(model, now):
    """Pieces of logs, or figures of usage, of trainings that ended before TRAINING_LOG_DAYS."""
    before = days_ago(now, settings.TRAINING_LOG_DAYS)
    ended = model.objects.filter(job__status__in=TrainingJob.ENDED)
    return ended.filter(job__completed_at__lt=before) if before else ended.none()


def logs_due(now):
    if not settings.TRAINING_LOG_DAYS:
        return Going()
    kept = timedelta(days=settings.TRAINING_LOG_DAYS)
    later = TrainingJob.objects.filter(completed_at__gte=now - kept)
    count = sum(old_logs(model, now).count() for model in (TrainingLogPiece, TrainingUsage))
    return Going(count, next_at=next_of(later, "completed_at", kept))


def delete_old_logs():
    """Delete logs and usage, not the epochs' figures; returns how many rows."""
    return sum(delete_in_pieces(old_logs(model, timezone.now())) for model in (TrainingLogPiece, TrainingUsage))


RULES = [
    Rule("Run folders of this machine", "RUN_FOLDER_DAYS", folders_due, clean_runs, "hour"),
    Rule("Logs of trainings", "TRAINING_LOG_DAYS", logs_due, delete_old_logs),
]
