"""Every write to training jobs; only here their status moves."""

from apps.training.services.jobs import TrainingRefused, create_job, readiness_problems
from apps.training.services.outlook import health_warnings, images_of, outlook
from apps.training.services.preview import run_preview, start_preview
from apps.training.services.queue import Queue, send_next, take_next
from apps.training.services.run import run_next, run_training
from apps.training.services.steering import cancel_job, pause_job, resume_job
from apps.training.services.sweep import clean_folders, sweep_training
from apps.training.services.trainers import presence

__all__ = [
    "Queue", "TrainingRefused", "cancel_job", "clean_folders", "create_job", "health_warnings", "images_of", "outlook",
    "pause_job", "presence", "readiness_problems", "resume_job", "run_next", "run_preview", "run_training", "send_next",
    "start_preview", "sweep_training", "take_next",
]  # fmt: skip
