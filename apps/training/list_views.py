"""The list of trainings, and where one of them stands in the queue."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import render

from apps.datasets.access import visible_to as datasets_visible_to
from apps.training import services
from apps.training.access import get_job, visible_to
from apps.training.filters import ORDERS, STATES, JobFilter
from apps.training.models import TrainingEpoch, TrainingJob

JOBS_A_PAGE = 30
MOST_CHOICES = 200


@login_required
def job_list(request):
    """The page asks again for its rows every few seconds, as long as one of its jobs may change."""
    found = JobFilter(request.GET, queryset=visible_to(request.user), request=request)
    newest = Prefetch("epoch_rows", TrainingEpoch.objects.order_by("-epoch")[:5], to_attr="newest_epochs")
    jobs = found.qs.select_related("dataset", "dataset_version", "user").prefetch_related(newest)
    page = Paginator(jobs, JOBS_A_PAGE).get_page(request.GET.get("page"))
    rows = list(page)
    queue = services.Queue() if any(job.status == TrainingJob.Status.PENDING for job in rows) else None
    for job in rows:
        job.place = queue and queue.place(job.pk)
    context = {
        "page": page, "rows": rows, "query": request.GET, "is_live": any(not job.has_ended for job in rows),
        "is_narrowed": any(request.GET.get(name) for name in JobFilter.base_filters if name != "order"),
        "trainers": queue and queue.trainers,
    }  # fmt: skip
    if request.htmx and not request.htmx.boosted:
        return render(request, "training/job_list.html#rows", context)
    return render(request, "training/job_list.html", context | _choices(request.user))


def _choices(user):
    """What the filters offer: only what this person's jobs have."""
    jobs, datasets = visible_to(user).select_related(None).order_by(), datasets_visible_to(user)
    return {
        "states": STATES,
        "orders": [(key, title) for key, (title, _) in ORDERS.items()],
        "datasets": datasets.filter(pk__in=jobs.values("dataset")).only("name").order_by("name")[:MOST_CHOICES],
        "model_types": sorted(jobs.values_list("model_type", flat=True).distinct()),
        "people": sorted(jobs.values_list("user__username", flat=True).distinct()) if user.is_superuser else [],
    }


@login_required
def job_place(request, pk):
    """A fragment for a job's page: its place in the queue; nothing once it waits no more."""
    job = get_job(request.user, pk)
    if job.status != TrainingJob.Status.PENDING:
        return HttpResponse()
    return render(request, "training/job_place.html", {"job": job, "place": services.Queue().place(pk)})
