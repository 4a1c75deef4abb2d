"""What webhooks are told of a training, in the transaction that ended it."""

from apps.core.webhooks.telling import tell


def tell_finished(job):
    """It has its model."""
    _tell("training.finished", job)


def tell_failed(job):
    """It failed, by itself or because its trainers died."""
    _tell("training.failed", job)


def _tell(event, job):
    tell(event, job, _in_short(job), owner="user")


def _in_short(job):
    return {
        "training_id": job.pk, "name": job.name, "status": job.status, "model_type": job.model_type,
        "dataset_id": job.dataset_id, "model_id": job.model_id, "epochs_done": job.current_epoch,
        "mAP50_95": job.best_map, "seconds": job.training_time, "error": job.error_message,
        "api": f"/api/v1/training/{job.pk}", "page": f"/training/{job.pk}/",
    }  # fmt: skip
