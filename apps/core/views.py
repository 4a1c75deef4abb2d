"""Pages that belong to no other app: home, jobs, health, errors."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.core import health, work
from apps.core.access import get_job, jobs_visible_to
from apps.core.api import job_file_response


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
    """Each part that the platform needs: "ok", or why not."""
    answers = health.ask_all()
    ready = all(answer == "ok" for answer in answers.values())
    return JsonResponse(answers, status=200 if ready else 503)
