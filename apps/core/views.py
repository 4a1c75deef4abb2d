"""Pages that belong to no other app: home, jobs, health, errors."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.views.decorators.http import require_POST

from apps.core import health, work
from apps.core.access import get_job, get_job_to_steer, jobs_visible_to, may_steer
from apps.core.api import job_file_response
from apps.core.jobs import UNASKED
from apps.core.operations import may_see_inside
from apps.core.reports import rows_of
from apps.core.subjects import subject_of


def home(request):
    template = "core/dashboard.html" if request.user.is_authenticated else "core/home.html"
    return render(request, template, {"registration": settings.REGISTRATION})


@login_required
def recent_jobs(request):
    """A fragment for the dashboard: other long work of mine."""
    mine = jobs_visible_to(request.user).filter(owner=request.user).exclude(kind__in=UNASKED)
    return render(request, "core/job_detail.html#recent", {"jobs": mine[:5]})


@login_required
def job_detail(request, pk):
    """A job's page; while it runs, the page asks again for the part that changes."""
    job = get_job(request.user, pk)
    is_part = request.htmx and not request.htmx.boosted
    context = {
        "job": job, "about": subject_of(job, request.user), "can_steer": may_steer(request.user, job),
        "problems": job.result.get("problems", [])[:500],
        **_report_page(request, job),
    }  # fmt: skip
    if is_part and request.htmx.target == "report" and job.result.get("report"):
        return render(request, "core/job_detail.html#report", context)
    response = render(request, f"core/job_detail.html{'#progress' if is_part else ''}", context)
    if is_part and not job.is_active:
        response["HX-Refresh"] = "true"  # the whole page shows the result
    return response


def _report_page(request, job):
    """The page of the job's report that was asked for; `rows` is None where its file has expired."""
    if not job.result.get("report"):
        return {}
    kind, page = request.GET.get("kind", ""), request.GET.get("page", "1")
    page = int(page) if page.isascii() and page.isdecimal() and len(page) < 10 else 1
    try:
        rows, pages = rows_of(job, kind, page)
    except FileNotFoundError:
        rows, pages = None, 0
    return {"rows": rows, "pages": pages, "page": page, "kind": kind}


@login_required
@require_POST
def job_cancel(request, pk):
    work.cancel(get_job_to_steer(request.user, pk))
    return redirect("core:job_detail", pk)


@login_required
def job_file(request, pk):
    return job_file_response(request, get_job(request.user, pk))


def favicon(request):
    """What browsers ask for beside pages that name none: the admin, the API's documentation."""
    return redirect(static("img/logo.svg"))


def healthz(request):
    """Alive."""
    return JsonResponse({"status": "ok"})


def readyz(request):
    """Each part that the platform needs: "ok", or why not; to whom may not see inside, only that it is not."""
    answers = health.ask_all()
    ready = all(answer == "ok" for answer in answers.values())
    if not may_see_inside(request):
        answers = {name: answer if answer == "ok" else "not ok" for name, answer in answers.items()}
    return JsonResponse(answers, status=200 if ready else 503)
