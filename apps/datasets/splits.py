"""The page about a dataset's splits: how many images each has, sharing them out, taking that back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.datasets.access import get_dataset, get_dataset_to_edit
from apps.datasets.forms import SplitForm
from apps.datasets.models import SPLITS
from apps.datasets.services import leaks as leaks_of
from apps.datasets.services.moves import MovesUnderWay, last_moves, may_undo, start_undo
from apps.datasets.services.reports import kept_report
from apps.datasets.services.splits import start_split
from apps.datasets.views import dataset_context


@login_required
def dataset_splits(request, pk):
    dataset = get_dataset(request.user, pk)
    return render(request, "datasets/splits.html", _context(request, dataset, SplitForm()))


@login_required
@require_POST
def dataset_split(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    form = SplitForm(request.POST)
    if form.is_valid():
        try:
            return redirect("core:job_detail", start_split(request.user, dataset, **form.options()).pk)
        except MovesUnderWay as refused:
            form.add_error(None, str(refused))
    return render(request, "datasets/splits.html", _context(request, dataset, form), status=400)


@login_required
@require_POST
def split_undo(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    job = last_moves(dataset)
    if not may_undo(job):
        messages.error(request, "There is nothing to take back.")
        return redirect("datasets:dataset_splits", pk)
    try:
        return redirect("core:job_detail", start_undo(request.user, dataset, job).pk)
    except MovesUnderWay as refused:
        messages.error(request, str(refused))
        return redirect("datasets:dataset_splits", pk)


def _context(request, dataset, form):
    total = max(dataset.num_images, 1)
    names = [*((split, split) for split in SPLITS), ("none", "without split")]
    counts = {split or "none": count for split, count in dataset.split_counts.items()}
    last = last_moves(dataset)
    return dataset_context(request, dataset) | {
        "form": form,
        "bars": [(split, words, counts.get(split, 0), counts.get(split, 0) / total) for split, words in names],
        "splits": [*SPLITS, "none"],
        "last": last,
        "can_undo": may_undo(last),
        "leaks": kept_report(dataset, leaks_of.KIND),
    }
