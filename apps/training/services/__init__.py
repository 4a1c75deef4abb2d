"""Every write to training jobs; only here their status moves."""

from apps.training.services.jobs import (
    TrainingRefused,
    cancel_job,
    create_job,
    readiness_problems,
    resume_job,
)
from apps.training.services.outlook import health_warnings, images_of, outlook
from apps.training.services.preview import run_preview, start_preview
from apps.training.services.run import run_training
from apps.training.services.sweep import clean_folders, sweep_training

__all__ = [
    "TrainingRefused", "cancel_job", "clean_folders", "create_job", "health_warnings", "images_of", "outlook",
    "readiness_problems", "resume_job", "run_preview", "run_training", "start_preview", "sweep_training",
]  # fmt: skip
