"""The page of a dataset's classes, and what can be done to them there."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.annotations.forms import RemoveClassForm
from apps.annotations.services.classes import classes_with_counts, effect_of_removal, remove_class
from apps.datasets import services as datasets
from apps.datasets.access import get_dataset, get_dataset_to_edit
from apps.datasets.views import dataset_context

HISTORY = 50


@login_required
def class_list(request, pk):
    dataset = get_dataset_to_edit(request.user, pk) if request.method == "POST" else get_dataset(request.user, pk)
    error = ""
    if request.method == "POST":
        try:
            datasets.add_class(dataset, request.POST.get("name", ""), request.user)
            return redirect("annotations:class_list", pk)
        except datasets.BadClassName as bad:
            error = str(bad)
    context = dataset_context(request, dataset) | {
        "classes": classes_with_counts(dataset),
        "changes": dataset.class_changes.select_related("user")[:HISTORY],
        "error": error,
        "name": request.POST.get("name", "") if error else "",
    }
    return render(request, "annotations/class_list.html", context, status=400 if error else 200)


@login_required
@require_POST
def class_edit(request, pk, class_id):
    """Another name or colour."""
    dataset = get_dataset_to_edit(request.user, pk)
    try:
        if "name" in request.POST:
            datasets.rename_class(dataset, class_id, request.POST["name"], request.user)
        if "color" in request.POST:
            datasets.recolor_class(dataset, class_id, request.POST["color"], request.user)
    except datasets.BadClassName as bad:
        messages.error(request, str(bad))
    return redirect("annotations:class_list", pk)


@login_required
@require_POST
def class_move(request, pk):
    """The classes in a new order: all of them (`keys`), or one moved up or down (`move`: its place and the way)."""
    dataset = get_dataset_to_edit(request.user, pk)
    try:
        datasets.reorder_classes(dataset, _wanted_order(request.POST, dataset.class_keys), request.user)
    except datasets.BadClassName as bad:
        messages.error(request, str(bad))
    return redirect("annotations:class_list", pk)


def _wanted_order(posted, keys):
    if "keys" in posted:
        return [int(word) for word in posted["keys"].split(",") if word.isdecimal() and len(word) < 10]
    place, way = posted.get("move", ""), -1 if posted.get("way") == "up" else 1
    place = int(place) if place.isdecimal() and len(place) < 6 else -1
    order, to = list(keys), place + way
    if 0 <= place < len(order) and 0 <= to < len(order):
        order.insert(to, order.pop(place))
    return order


@login_required
def class_remove(request, pk, class_id):
    """Says what merging or deleting a class does to its boxes, and does it."""
    dataset = get_dataset_to_edit(request.user, pk)
    try:
        effect = effect_of_removal(dataset, class_id)
    except datasets.BadClassName as bad:
        messages.error(request, str(bad))
        return redirect("annotations:class_list", pk)
    form = RemoveClassForm(request.POST or None, dataset=dataset, class_id=class_id)
    if request.method == "POST" and form.is_valid():
        name = dataset.class_names[class_id]
        version, job = remove_class(dataset, class_id, request.user, form.cleaned_data["into"])
        if job:
            return redirect("core:job_detail", job.pk)
        done = "deleted" if form.cleaned_data["into"] is None else "merged"
        messages.success(
            request, f"“{name}” is {done}. Version {version} has it as it was: restore it to take this back."
        )
        return redirect("annotations:class_list", pk)
    context = dataset_context(request, dataset) | {
        "class": dataset.classes[class_id], "effect": effect, "form": form,
    }  # fmt: skip
    return render(request, "annotations/class_remove.html", context, status=400 if form.errors else 200)
