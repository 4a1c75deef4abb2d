"""The pages about a dataset's health: duplicates and leaks. Validation is a card that a higher floor fills."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.datasets.access import get_dataset, get_dataset_to_edit
from apps.datasets.forms import KeepOneForm
from apps.datasets.models import SPLITS, DatasetImage
from apps.datasets.services import duplicates as duplicates_of
from apps.datasets.services import leaks as leaks_of
from apps.datasets.services.health import failure, under_way
from apps.datasets.services.moves import MEND, MovesUnderWay
from apps.datasets.services.reports import kept_report
from apps.datasets.sources import KINDS
from apps.datasets.views import dataset_context

GROUPS_A_PAGE = 20
SHOWN_OF_A_GROUP = 24
PAIRS_SHOWN = 3
WORK = {"duplicates": duplicates_of.LOOK, "leaks": leaks_of.LOOK, "mend": MEND}


@login_required
def dataset_health(request, pk):
    dataset = get_dataset(request.user, pk)
    context = dataset_context(request, dataset) | {
        "duplicates": _state(dataset, duplicates_of.KIND, "duplicates"),
        "leaks": _state(dataset, leaks_of.KIND, "leaks", "mend"),
        "kinds": KINDS,
    }
    return render(request, "datasets/health.html", context)


@login_required
def work(request, pk, name):
    """A fragment: how far the work on duplicates or leaks is; when it has ended, the page is asked for again."""
    dataset = get_dataset(request.user, pk)
    if name not in WORK:
        raise Http404("No such work.")
    job = under_way(dataset, WORK[name])
    response = render(request, "datasets/health.html#work", {"dataset": dataset, "job": job, "work": name})
    if job is None:
        response["HX-Refresh"] = "true"
    return response


@login_required
def duplicates(request, pk):
    dataset = get_dataset(request.user, pk)
    state = _state(dataset, duplicates_of.KIND, "duplicates")
    page = Paginator(_groups(state), GROUPS_A_PAGE).get_page(request.GET.get("page"))
    rows = _images(dataset, {image for group in page for image in group["images"][:SHOWN_OF_A_GROUP]})
    groups = [_shown_duplicates(group, rows) for group in page]
    context = dataset_context(request, dataset) | {
        "state": state, "page": page, "groups": [group for group in groups if len(group["images"]) > 1],
    }  # fmt: skip
    return render(request, "datasets/duplicates.html", context)


@login_required
@require_POST
def duplicates_look(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    if not under_way(dataset, duplicates_of.LOOK):
        duplicates_of.start_duplicates(request.user, dataset)
    return redirect("datasets:duplicates", pk)


@login_required
@require_POST
def duplicates_keep(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    form = KeepOneForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.errors["__all__"][0])
        return redirect("datasets:duplicates", pk)
    try:
        count = duplicates_of.keep_one(dataset, request.user, form.cleaned_data["choices"])
    except duplicates_of.NotThere as gone:
        messages.error(request, str(gone))
    else:
        images = f"{count} image{'' if count == 1 else 's'}"
        messages.success(request, f"{images} moved to the trash, with the labels on them.")
    return redirect("datasets:duplicates", pk)


@login_required
def leaks(request, pk):
    dataset = get_dataset(request.user, pk)
    state = _state(dataset, leaks_of.KIND, "leaks", "mend")
    page = Paginator(_groups(state), GROUPS_A_PAGE).get_page(request.GET.get("page"))
    rows = _images(dataset, {pk for leak in page for pair in leak["pairs"][:PAIRS_SHOWN] for pk in pair[:2]})
    context = dataset_context(request, dataset) | {
        "state": state, "page": page, "groups": [_shown_leak(leak, rows) for leak in page], "kinds": KINDS,
    }  # fmt: skip
    return render(request, "datasets/leaks.html", context)


@login_required
@require_POST
def leaks_look(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    if not under_way(dataset, leaks_of.LOOK):
        leaks_of.start_look(request.user, dataset)
    return redirect("datasets:leaks", pk)


@login_required
@require_POST
def leaks_mend(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    try:
        leaks_of.start_mend(request.user, dataset)
    except MovesUnderWay as refused:
        messages.error(request, str(refused))
    return redirect("datasets:leaks", pk)


@login_required
def leak_warning(request, pk):
    """A fragment for whoever trains on a dataset: what leaks, as far as it is known."""
    dataset = get_dataset(request.user, pk)
    context = dataset_context(request, dataset) | {"leaks": _state(dataset, leaks_of.KIND, "leaks", "mend")}
    return render(request, "datasets/leaks.html#warning", context)


def _state(dataset, kind, *names):
    """What a card says of a report: the report, the work under way on it and its name, or how it failed."""
    report = kept_report(dataset, kind)
    jobs = {name: under_way(dataset, WORK[name]) for name in names}
    name = next((name for name, job in jobs.items() if job), names[0])
    since = report.computed_at if report else None
    failed = "" if jobs[name] else next(filter(None, (failure(dataset, WORK[n], since) for n in names)), "")
    return {"report": report, "job": jobs[name], "work": name, "failed": failed}


def _groups(state):
    return state["report"].data["groups"] if state["report"] else []


def _images(dataset, pks):
    return {row.pk: row for row in DatasetImage.objects.filter(dataset=dataset, pk__in=pks)}


def _shown_duplicates(group, rows):
    """A group with the rows of those of its images that are still there, the proposed one first."""
    images = []
    for pk, difference in zip(group["images"], group["differences"], strict=True):
        if pk in rows:
            rows[pk].difference = difference
            images.append(rows[pk])
    return {"first": group["images"][0], "images": images, "more": max(0, len(group["images"]) - SHOWN_OF_A_GROUP)}


def _shown_leak(leak, rows):
    order = {split: place for place, split in enumerate(SPLITS)}
    pairs = [
        {"sides": sorted((rows[one], rows[other]), key=lambda row: order.get(row.split, 9)), "why": KINDS[kind]}
        for one, other, kind in leak["pairs"][:PAIRS_SHOWN]
        if one in rows and other in rows
    ]
    counts = [(split, len(pks)) for split, pks in leak["images"].items()]
    return {"counts": counts, "size": sum(count for _, count in counts), "kinds": leak["kinds"], "pairs": pairs}
