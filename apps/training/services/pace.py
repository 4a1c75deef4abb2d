"""How far a run is, as its engine tells it: batches of learning and of validating, in one number and in words."""

from django.utils import timezone

from apps.training.models import FINAL

AS_LONG = 1 / 3  # a validated image takes about this much of the time of one that is learned from
MOST_STARTS = 50


class Pace:
    """Turns the engine's `batch` and `validation` events into what the job's row says."""

    def __init__(self, job):
        self.job, self._share = job, None

    def learning(self, event):
        share = event["batch"] / max(event["batches"], 1) * (1 - self._validation_share())
        return self._progress(event, share, f"Training: batch {event['batch']} of {event['batches']}")

    def validating(self, event):
        done, part = event["batch"] / max(event["batches"], 1), self._validation_share()
        words = f"batch {event['batch']} of {event['batches']}"
        if event["final"]:
            return {"epoch_progress": done, "phase": f"{FINAL}: {words}"}
        return self._progress(event, 1 - part + part * done, f"Validating: {words}")

    def took(self, metrics):
        """An epoch is done: the next one's parts will take as long."""
        if metrics.get("seconds"):
            self._share = min(metrics.get("val_seconds", 0) / metrics["seconds"], 1)

    def _progress(self, event, share, words):
        return {"current_epoch": event["epoch"] - 1, "epoch_progress": round(share, 4), "phase": words}

    def _validation_share(self):
        """Which part of an epoch its validation takes; before the first one is done, as the images let expect."""
        if self._share is None:
            about = self.job.environment
            learned, judged = about.get("train_images") or 1, (about.get("val_images") or 0) * AS_LONG
            return judged / (learned + judged)
        return self._share


def starts_of(job, epoch):
    """The job's list of starts with that of now at `epoch`, for its page: where a run was broken off and went on."""
    begun = {"epoch": epoch, "at": timezone.now().isoformat(timespec="seconds")}
    return [*job.environment.get("starts", []), begun][-MOST_STARTS:]
