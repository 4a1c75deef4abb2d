"""Where a job's process writes; local to the trainer's machine."""

from django.conf import settings


def runs_folder():
    """The folder of all run folders; each is named by its job's id."""
    return settings.WORK_DIR / "runs"


def run_folder(job):
    """The folder of a job's process: its log, its checkpoints, and `finished.json` once it had finished."""
    return runs_folder() / str(job.pk)


def best_weights(job):
    """The best checkpoint of a job; it may not be there."""
    return run_folder(job) / "run" / "weights" / "best.pt"
