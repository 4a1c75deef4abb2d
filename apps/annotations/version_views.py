"""Pages about versions: the list, comparing, restoring."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.annotations.access import get_version, get_version_to_edit
from apps.annotations.manifests import IMAGE_KINDS
from apps.annotations.services.comparisons import comparison_of, num_pages, page_of
from apps.annotations.services.restores import RestoreRefused, start_restore
from apps.annotations.services.versions import MAX_NOTE, create_version, is_as_now, is_large, set_note, start_version
from apps.core.access import jobs_visible_to
from apps.core.models import Job
from apps.datasets.access import get_dataset, get_dataset_to_edit
from apps.datasets.views import dataset_context

VERSIONS_A_PAGE = 50
KIND_WORDS = {
    "added": "Images added", "removed": "Images removed", "moved": "Moved between splits",
    "relabelled": "Labels changed",
}  # fmt: skip


@login_required
def version_list(request, pk):
    if request.method == "POST":
        return _snapshot(request, get_dataset_to_edit(request.user, pk))
    dataset = get_dataset(request.user, pk)
    versions = dataset.versions.select_related("created_by")
    page = Paginator(versions, VERSIONS_A_PAGE).get_page(_page_of(request, versions))
    for version in page:
        version.as_now, version.unassigned = is_as_now(version, dataset), version.split_counts.get("", 0)
    mine = jobs_visible_to(request.user).filter(subject=f"dataset:{pk}", kind__in=("version", "compare", "restore"))
    context = dataset_context(request, dataset) | {
        "page": page, "max_note": MAX_NOTE, "jobs": mine.filter(status__in=Job.ACTIVE)[:5],
        "current": dataset.versions.filter(same_at=dataset.updated_at).first(),
        "numbers": dataset.versions.values_list("number", "note")[:500],
    }  # fmt: skip
    return render(request, "annotations/version_list.html", context)


def _page_of(request, versions):
    """The page that was asked for, by its number or by a version that is on it."""
    number = request.GET.get("version", "")
    if _is_number(number):
        return versions.filter(number__gt=int(number)).count() // VERSIONS_A_PAGE + 1
    return request.GET.get("page")


def _snapshot(request, dataset):
    note = request.POST.get("note", "")
    if is_large(dataset):
        return redirect("core:job_detail", start_version(request.user, dataset, note).pk)
    version, is_new = create_version(dataset, request.user, note)
    words = f"Version {version.number} is made." if is_new else f"Nothing changed since version {version.number}."
    messages.success(request, words)
    return redirect("annotations:version_list", dataset.pk)


@login_required
@require_POST
def version_note(request, pk, number):
    version = set_note(get_version_to_edit(request.user, pk, number), request.POST.get("note", ""))
    said = (
        f"Version {number} is called “{version.note}”." if version.note else f"Version {number} has no note any more."
    )
    messages.success(request, said)
    return redirect("annotations:version_list", pk)


@login_required
def version_compare_chosen(request, pk):
    """From the list's two choices to the page of their comparison."""
    dataset = get_dataset(request.user, pk)
    older, newer = request.GET.get("from", ""), request.GET.get("to", "")
    if not _is_number(older) or not (newer == "now" or _is_number(newer)):
        raise Http404("Two versions are compared, or a version with “now”.")
    return redirect("annotations:version_compare", dataset.pk, int(older), newer)


@login_required
def version_compare(request, pk, number, other):
    """What changed from a version to another one, or to now."""
    older = get_version(request.user, pk, number)
    newer = None if other == "now" else get_version(request.user, pk, int(other)) if _is_number(other) else _no_such()
    comparison, job = comparison_of(request.user, older.dataset, older, newer)
    if job:
        return redirect("core:job_detail", job.pk)
    context = dataset_context(request, older.dataset) | {
        "older": older, "newer": newer, "other": other, "summary": comparison.summary,
        "changed_classes": [row for row in comparison.summary["classes"] if _is_worth_a_row(row)],
        **_images(request, comparison),
    }  # fmt: skip
    part = "#images" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"annotations/version_compare.html{part}", context)


def _images(request, comparison):
    counts = comparison.summary["images"]
    first = next((kind for kind in IMAGE_KINDS if counts[kind]), "added")
    kind = request.GET.get("kind") if request.GET.get("kind") in IMAGE_KINDS else first
    page = Paginator(range(num_pages(comparison, kind)), 1).get_page(request.GET.get("page"))
    items = page_of(comparison, kind, page.number)
    for item in items:
        item |= {"words": _words(kind, item), "rects": _rects(item) if kind == "relabelled" else []}
    return {
        "kind": kind, "page": page, "items": items,
        "kinds": [(name, words, counts[name]) for name, words in KIND_WORDS.items()],
    }  # fmt: skip


def _words(kind, item):
    """What happened to an image, in a few words."""
    split = item["split"] if item["split"] is not None else item["split_before"]
    if kind == "moved":
        return f"{item['split_before'] or 'no split'} → {split or 'no split'}"
    if kind in ("added", "removed"):
        return f"{item['boxes']} box{'' if item['boxes'] == 1 else 'es'}, {split or 'no split'}"
    said = [f"{sign}{item[name]}" for name, sign in (("added", "+"), ("removed", "−")) if item[name]]
    said += [
        f"{item[name]} {words}"
        for name, words in (("changed", "changed"), ("reclassed", "of another class"))
        if item[name]
    ]
    if item["labeled"] != item["labeled_before"]:
        said.append("labelled now" if item["labeled"] else "not labelled any more")
    return ", ".join(said)


MARKS = {"+": "mark-added", "-": "mark-removed", "~": "mark-changed", "c": "mark-reclassed"}


def _rects(item):
    """The boxes that differ, in pixels of the image."""
    wide, high = item["width"], item["height"]
    return [
        {
            "css": MARKS[mark], "x": round((x - width / 2) * wide, 1), "y": round((y - height / 2) * high, 1),
            "width": round(width * wide, 1), "height": round(height * high, 1),
        }
        for mark, _, x, y, width, height, *_ in item["marks"]
    ]  # fmt: skip


def _is_worth_a_row(row):
    return row["what"] != "same" or any(row[name] for name in ("added", "removed", "changed", "left", "joined"))


@login_required
def version_restore(request, pk, number):
    """What a restore will do, in numbers; a POST begins it."""
    version = get_version_to_edit(request.user, pk, number)
    if request.method == "POST":
        try:
            return redirect("core:job_detail", start_restore(request.user, version).pk)
        except RestoreRefused as refused:
            messages.error(request, str(refused))
            return redirect("annotations:version_list", pk)
    comparison, job = comparison_of(request.user, version.dataset, version)
    context = dataset_context(request, version.dataset) | {"version": version, "job": job}
    if comparison:
        summary = comparison.summary
        context |= {
            "summary": summary, "boxes_change": any(summary["boxes"].values()),
            "changed_classes": [row for row in summary["classes"] if row["what"] != "same"],
        }  # fmt: skip
    return render(request, "annotations/version_restore.html", context)


def _is_number(text):
    return text.isascii() and text.isdecimal() and len(text) < 10


def _no_such():
    raise Http404("Two versions are compared, or a version with “now”.")
