"""Pages that belong to no other app: home, jobs, health, errors."""

import shutil

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.core import work
from apps.core.access import get_job, jobs_visible_to
from apps.core.api import job_file_response

LEAST_FREE_BYTES = 200 * 2**20


def home(request):
    template = "core/dashboard.html" if request.user.is_authenticated else "core/home.html"
    return render(request, template)


@login_required
def recent_jobs(request):
    """A fragment for the dashboard: other long work of mine."""
    return render(
        request, "core/job_detail.html#recent", {"jobs": jobs_visible_to(request.user).filter(owner=request.user)[:5]}
    )


@login_required
def job_detail(request, pk):
    """A job's page; while it runs, the page asks again for the part that changes."""
    job = get_job(request.user, pk)
    part = "#progress" if request.htmx and not request.htmx.boosted else ""
    context = {"job": job, "problems": job.result.get("problems", [])[:500]}
    response = render(request, f"core/job_detail.html{part}", context)
    if part and not job.is_active:
        response["HX-Refresh"] = "true"  # the whole page shows the result
    return response


@login_required
@require_POST
def job_cancel(request, pk):
    work.cancel(get_job(request.user, pk))
    return redirect("core:job_detail", pk)


@login_required
def job_file(request, pk):
    return job_file_response(get_job(request.user, pk))


def healthz(request):
    """Alive."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request):
    """Each part that this process needs: "ok", or why not."""
    parts = {"database": _database, "redis": _redis, "storage": _storage, "disk": _disk}
    answers = {name: _ask(check) for name, check in parts.items()}
    ready = all(answer == "ok" for answer in answers.values())
    return JsonResponse(answers, status=200 if ready else 503)


def _ask(check):
    try:
        return check() or "ok"
    except Exception as error:  # whatever is wrong with a part is that part's answer
        return f"{type(error).__name__}: {error}"[:200]


def _database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis():
    cache.set("readyz", timezone.now().isoformat(), 60)


def _storage():
    if not settings.MEDIA_ROOT.parent.is_dir():
        return "the data folder is gone"
    return None


def _disk():
    free = shutil.disk_usage(settings.DATA_DIR).free
    return None if free > LEAST_FREE_BYTES else f"only {free // 2**20} MB free"
