"""The operator's pages, within the admin: superusers only."""

from functools import wraps

from celery import current_app
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe
from kombu.exceptions import OperationalError

from apps.core import audit
from apps.core import retention as rules
from apps.operator import now
from apps.operator.storage import holders_by_bytes
from apps.training.models import Trainer, TrainingJob


def for_operators(view):
    """As a page of the admin; whoever is of the staff and no superuser is refused."""

    @wraps(view)
    def guarded(request, *args, **kwargs):
        if not request.user.is_superuser:
            raise PermissionDenied("These pages are the operator's.")
        return view(request, *args, **kwargs)

    return admin.site.admin_view(guarded)


def _page(request, template, title, **context):
    return render(request, f"admin/operator/{template}", admin.site.each_context(request) | {"title": title} | context)


@for_operators
@require_safe
def workers(request):
    """Who works, on what, and what waits."""
    stale = settings.JOB_STALE_SECONDS
    trainers = [(trainer, now.is_alive(trainer, stale)) for trainer in Trainer.objects.all()]
    running = TrainingJob.objects.filter(status=TrainingJob.Status.RUNNING).select_related("user", "dataset")
    return _page(
        request, "workers.html", "Workers and queues now", workers=now.workers(), queues=now.queues(),
        trainers=trainers, running=running.order_by("pk"), at=timezone.now(),
    )  # fmt: skip


@for_operators
@require_safe
def storage(request):
    """Whose files take how many bytes."""
    rows, kinds, total = holders_by_bytes()
    page = Paginator(rows, 100).get_page(request.GET.get("page"))
    return _page(request, "storage.html", "Storage by owner", page=page, kinds=kinds, total=total)


@for_operators
@require_http_methods(["GET", "HEAD", "POST"])
def retention(request):
    """What would go now; asked and confirmed, it goes."""
    if request.method == "POST":
        try:
            current_app.send_task("apps.core.tasks.delete_all_old")
        except (OperationalError, OSError):
            messages.error(request, "The queue's server does not answer, so nothing was started. Try again later.")
        else:
            audit.record(request.user, "retention started")
            messages.success(request, "What is past its time is being deleted; this page shows what is left.")
        return redirect("operator:retention")
    return _page(request, "retention.html", "Retention", report=rules.report(), asks="now" in request.GET)
