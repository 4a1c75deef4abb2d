"""How a training stopped, in a sentence for its page, the list and the API."""

from apps.core.templatetags.ui import duration


def stop_in_words(job):
    """Why a job that is paused or has ended stopped where it did; empty where it ran to its last epoch, or failed."""
    after = f"after epoch {job.current_epoch}"
    if job.status == job.Status.PAUSED:
        return f"Paused {after}. " + _goes_on(job)
    if job.status == job.Status.CANCELLED:
        return f"Cancelled {after}. {_kept(job)}" if job.current_epoch else "Cancelled before its first epoch was done."
    if job.status == job.Status.COMPLETED and job.ended_by == "patience":
        since = job.current_epoch - job.patience
        return f"Stopped early {after}: no better epoch in the {job.patience} since epoch {since}."
    if job.status == job.Status.COMPLETED and job.ended_by == "time_limit":
        return f"Stopped {after} by its time limit of {duration(job.time_limit)}. {_best(job)} is the model."
    return ""


def _goes_on(job):
    following = job.current_epoch + 1
    if following > job.epochs:
        return "Resumed, it is validated and becomes a model."
    return f"Resumed, it goes on with epoch {following}, from the beginning of that epoch."


def _kept(job):
    if job.weights_due:
        return f"{_best(job)} is being stored as a model."
    return f"{_best(job)} is its model." if job.model_id else "No model was kept."


def _best(job):
    return f"The best so far, of epoch {job.best_epoch}," if job.best_epoch else "The best so far"
