"""Pages about datasets: the list, a new one, the settings. The gallery and the trash are beside this."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.teams.transfer import transfer_page
from apps.core.access import Right, may
from apps.datasets import services
from apps.datasets.access import (
    get_dataset,
    get_dataset_to_edit,
    held_by,
    may_edit,
    may_label,
    may_review,
    may_train_on,
    visible_to,
)
from apps.datasets.filters import DatasetFilter
from apps.datasets.forms import DatasetEditForm, DatasetForm
from apps.datasets.models import SPLITS

DATASETS_A_PAGE = 24
IMAGES_A_PAGE = 60


@login_required
def dataset_list(request):
    found = DatasetFilter(
        request.GET, queryset=visible_to(request.user).select_related("owner", "team"), request=request
    )
    page = Paginator(found.qs, DATASETS_A_PAGE).get_page(request.GET.get("page"))
    part = "#cards" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"datasets/dataset_list.html{part}", {"page": page, "query": request.GET})


@login_required
def recent(request):
    """A fragment for the dashboard: the newest datasets of mine and my teams."""
    datasets = held_by(request.user).select_related("owner", "team")[:4]
    return render(request, "datasets/dataset_list.html#recent", {"datasets": datasets})


@login_required
def dataset_create(request):
    form = DatasetForm(request.POST or None, user=request.user, initial={"team": request.GET.get("team")})
    if request.method == "POST" and form.is_valid():
        dataset = services.create_dataset(request.user, **form.cleaned_data)
        messages.success(request, f"“{dataset.name}” is ready for images.")
        return redirect("datasets:dataset_detail", dataset.pk)
    return render(request, "datasets/dataset_form.html", {"form": form})


@login_required
def dataset_settings(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    form = DatasetEditForm(request.POST or None, instance=dataset)
    if request.method == "POST" and form.is_valid():
        services.update_dataset(dataset, request.user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("datasets:dataset_settings", pk)
    context = dataset_context(request, dataset) | {"form": form, "can_give": may(request.user, Right.MANAGE, dataset)}
    return render(request, "datasets/dataset_settings.html", context)


@login_required
def dataset_transfer(request, pk):
    """Give it to a team, or take it out of one."""
    dataset = get_dataset(request.user, pk)
    context = {"back_url": reverse("datasets:dataset_settings", args=[pk])}
    return transfer_page(request, "dataset", dataset, ("datasets:dataset_detail", pk), context)


@login_required
@require_POST
def dataset_delete(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    services.delete_dataset(dataset, request.user)
    messages.success(request, f"“{dataset.name}” and everything in it is deleted.")
    return redirect("datasets:dataset_list")


def dataset_context(request, dataset):
    """What the head of every page about one dataset shows."""
    counts = dataset.split_counts
    return {
        "dataset": dataset,
        "can_edit": may_edit(request.user, dataset),
        "can_review": may_review(request.user, dataset),
        "can_label": may_label(request.user, dataset),
        "can_train": may_train_on(request.user, dataset),
        "split_counts": [(split, counts.get(split, 0)) for split in SPLITS],
        "num_unassigned": counts.get("", 0),
    }
