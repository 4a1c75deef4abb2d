"""Pages about labels: the workspace, statistics, export, versions."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Window
from django.db.models.functions import RowNumber
from django.http import JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_POST

from apps.annotations.forms import ExportForm
from apps.annotations.import_views import transfer_context
from apps.annotations.models import Annotation
from apps.annotations.services.exports import start_export
from apps.annotations.services.shapes import BOX
from apps.annotations.services.statistics import dataset_statistics, who_labelled
from apps.annotations.services.validation import start_validation
from apps.core.access import jobs_visible_to
from apps.core.direct_uploads import is_offered
from apps.datasets.access import get_dataset, may_edit, may_label, may_review
from apps.datasets.filters import ImageFilter
from apps.datasets.views import dataset_context

MOST_TILES = 120  # whose boxes are asked for at once
MOST_BOXES_DRAWN = 200  # of one image, on its thumbnail


@login_required
@ensure_csrf_cookie
def workspace(request, pk):
    dataset = get_dataset(request.user, pk)
    query = request.GET.copy()
    image = query.pop("image", [""])[-1]
    for name in list(query):
        if name not in ImageFilter.base_filters or not query[name]:
            del query[name]
    config = {
        "user": {"id": request.user.pk, "username": request.user.username},
        "dataset": {
            "id": dataset.pk, "name": dataset.name, "task": dataset.task, "url": f"/datasets/{dataset.pk}/",
        },
        "can_edit": may_label(request.user, dataset),
        "can_add_classes": may_edit(request.user, dataset),
        "api": "/api/v1",
        "image_id": int(image) if image.isdecimal() and len(image) < 19 else None,
        "query": query.urlencode(),
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "keymap": request.user.keymap or None,
        "disagreement": True,
        "review": {"can_review": may_review(request.user, dataset)},
        "pictures_from_store": is_offered(),
    }  # fmt: skip
    return render(request, "annotations/workspace.html", {"dataset": dataset, "config": config})


@login_required
def gallery_boxes(request, pk):
    """The boxes of images in the gallery's view: `{image id: [[class id, x, y, width, height, points?], …]}`.

    At most 200 of each image: more would be a smear on its thumbnail.
    """
    dataset = get_dataset(request.user, pk)
    ids = [int(word) for word in request.GET.get("ids", "").split(",") if word.isdecimal() and len(word) < 19]
    boxes, places = {image_id: [] for image_id in ids[:MOST_TILES]}, dataset.places
    number = Window(RowNumber(), partition_by="image_id", order_by="pk")
    rows = Annotation.objects.of(dataset).filter(image__in=boxes, class_key__in=list(places)).annotate(number=number)
    rows = rows.filter(number__lte=MOST_BOXES_DRAWN).order_by("pk")
    for image_id, key, *box in rows.values_list("image_id", "class_key", *BOX, "points"):
        boxes[image_id].append([places[key], *box])
    return JsonResponse({"boxes": boxes, "colors": [c["color"] for c in dataset.classes]})


@login_required
@ensure_csrf_cookie
def crop_wall(request, pk):
    """All boxes of a class as crops, to spot wrong ones at a glance."""
    dataset = get_dataset(request.user, pk)
    config = {
        "api": f"/api/v1/datasets/{pk}", "classes": dataset.classes, "can_edit": may_review(request.user, dataset),
        "csrf_cookie": settings.CSRF_COOKIE_NAME, "workspace": f"/datasets/{pk}/label",
    }  # fmt: skip
    context = dataset_context(request, dataset) | {"config": config, "chosen": request.GET.get("class_id", "")}
    return render(request, "annotations/crop_wall.html", context)


@login_required
def statistics(request, pk):
    """Charts of what is in a dataset; the page asks the API again while the figures are counted anew."""
    dataset = get_dataset(request.user, pk)
    context = dataset_context(request, dataset) | {"statistics": dataset_statistics(dataset)}
    return render(request, "annotations/statistics.html", context)


@login_required
def labelling_progress(request, pk):
    """A fragment for the dataset's page: images by state, and who labelled how many."""
    dataset = get_dataset(request.user, pk)
    about = {"dataset": dataset, "can_ask": may_label(request.user, dataset), **who_labelled(dataset)}
    return render(request, "annotations/labelling_progress.html", about)


@login_required
@require_POST
def dataset_export(request, pk):
    dataset = get_dataset(request.user, pk)
    form = ExportForm(request.POST, dataset=dataset)
    if form.is_valid():
        job = start_export(request.user, dataset, **form.options())
        return redirect("core:job_detail", job.pk)
    return render(
        request, "annotations/transfer.html", transfer_context(request, dataset, export_form=form), status=400
    )


@login_required
@require_POST
def dataset_validate(request, pk):
    dataset = get_dataset(request.user, pk)
    return redirect("core:job_detail", start_validation(request.user, dataset).pk)


@login_required
def validation_card(request, pk):
    """A fragment for the dataset's page about its health: my last look for problems."""
    dataset = get_dataset(request.user, pk)
    job = jobs_visible_to(request.user).filter(subject=f"dataset:{pk}", kind="validation").first()
    is_stale = bool(job and job.completed_at and dataset.updated_at > job.started_at)
    return render(
        request, "annotations/validation_card.html", {"dataset": dataset, "job": job, "is_stale": is_stale}
    )  # fmt: skip
