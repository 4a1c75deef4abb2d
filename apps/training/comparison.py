"""How models were trained, side by side: the settings that differ, and the epochs. A fragment for the models' page."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render

from apps.annotations.seen import HIDDEN, seen
from apps.training.access import visible_to
from apps.training.models import TrainingEpoch

MOST = 6
FIELDS = {
    "model_type": "Architecture", "started_from": "Started from", "epochs": "Epochs", "batch_size": "Batch size",
    "img_size": "Image size", "learning_rate": "Learning rate", "patience": "Patience", "seed": "Seed",
}  # fmt: skip


@login_required
def settings_compared(request):
    """Of the models `?models=1,2`, whose trainings this person may see."""
    words = request.GET.get("models", "").split(",")
    ids = list(dict.fromkeys(int(w) for w in words if w.isascii() and w.isdecimal() and len(w) < 19))[:MOST]
    jobs = visible_to(request.user).filter(model__in=ids).select_related("model__line", "dataset_version__dataset")
    by_model = {job.model_id: job for job in jobs}
    jobs = [by_model.get(pk) for pk in ids]
    rows = setting_rows(request.user, jobs)
    context = {
        "jobs": [(pk, by_model.get(pk)) for pk in ids], "known": len(by_model), "epochs": _epochs(filter(None, jobs)),
        "different": [row for row in rows if row["differs"]], "same": [row for row in rows if not row["differs"]],
    }  # fmt: skip
    return render(request, "training/settings_compared.html", context)


def setting_rows(user, jobs):
    """`[{words, values, differs}]` of jobs (None: one that `user` cannot see), what none of them has left out."""
    known = [job for job in jobs if job]
    names = sorted({name for job in known for name in job.arguments})
    versions = [job and (str(job.dataset_version) if seen(user, job.dataset) else HIDDEN) for job in jobs]
    rows = [_row("Dataset version", jobs, versions, [job and job.dataset_version_id for job in jobs])]
    rows += [_row(words, jobs, [job and getattr(job, field) for job in jobs]) for field, words in FIELDS.items()]
    rows += [_row(name, jobs, [job and job.arguments.get(name) for job in jobs]) for name in names]
    return [row for row in rows if any(value not in (None, "") for value in row["values"])]


def _row(words, jobs, values, apart=None):
    """`apart` tells the values apart where they are words that may stand for several things."""
    told = {str(value) for value, job in zip(apart or values, jobs, strict=True) if job}
    return {"words": words, "values": values, "differs": len(told) > 1}


def _epochs(jobs):
    """mAP50-95 by epoch of each job, for a chart."""
    jobs = {job.pk: {"id": job.model_id, "name": job.model.title, "epochs": [], "values": []} for job in jobs}
    for job_id, epoch, metrics in TrainingEpoch.objects.filter(job__in=jobs).values_list("job_id", "epoch", "metrics"):
        if metrics.get("mAP50_95") is not None:
            jobs[job_id]["epochs"].append(epoch)
            jobs[job_id]["values"].append(metrics["mAP50_95"])
    return [row for row in jobs.values() if row["epochs"]]
