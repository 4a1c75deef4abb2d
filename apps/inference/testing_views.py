"""The testing page: images, a video or the webcam before one model, or two side by side."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import Http404, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie

from apps.core.access import own_first
from apps.datasets.access import visible_to as datasets_visible_to
from apps.datasets.models import DatasetImage
from apps.inference.access import NotAnswering, answering_to, deployments_visible_to, find_to_ask
from apps.inference.serializers import IOU
from apps.inference.services import DEFAULT_CONF
from apps.models.serializers import ENDPOINT

MOST_CHOICES = 300  # of deployments and of models, the newest
SAMPLES = 6


@login_required
@ensure_csrf_cookie
def testing_page(request):
    """`?deployment=<name>` or `?model=<id>` chooses what is asked; `?with=` what stands beside it, as `model:3`."""
    deployments, models = _choices(request.user)
    chosen = _chosen(request, deployments, models)
    config = {
        "endpoint": ENDPOINT,
        "about": reverse("inference:test_about"),
        "datasets": f"/api/v1/datasets?page_size=500{'' if request.user.is_superuser else '&owner=us'}",
        "api": "/api/v1/datasets",
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "chosen": chosen,
        "beside": request.GET.get("with", ""),
        "max_image_bytes": settings.MAX_IMAGE_BYTES,
        "max_boxes": settings.MAX_BOXES_PER_IMAGE,
    }
    context = {"deployments": deployments, "models": models, "chosen": chosen, "config": config}
    return render(request, "inference/test.html", context)


@login_required
def about(request):
    """What the page must know of one choice: its classes, where its thresholds start, and images to try it on."""
    name, number = request.GET.get("deployment"), request.GET.get("model", "")
    if name is None and not _number(number):
        raise Http404("Give either `deployment` or `model`.")
    try:
        deployment, model = find_to_ask(request.user, None if name is not None else _number(number), name)
    except NotAnswering as reason:
        return JsonResponse({"detail": str(reason)}, status=409)
    learned_from = datasets_visible_to(request.user).filter(versions__models=model)
    return JsonResponse(
        {
            "key": f"deployment:{deployment.name}" if deployment else f"model:{model.pk}",
            "title": deployment.name if deployment else model.title,
            "answers": model.title,
            "class_names": model.class_names,
            "thresholds": _thresholds(deployment, model),
            "samples": _samples(learned_from),
            "dataset_id": learned_from.values_list("pk", flat=True).first(),
        }
    )


def _choices(user):
    """(deployments, models) that `user` may ask; of two deployments of one name the one that the name finds."""
    rows = deployments_visible_to(user).filter(is_active=True, model__isnull=False)
    rows = rows.exclude(model__serving_file="").defer("model__metrics", "model__card")
    named = {}
    for one in rows.order_by(own_first(user), "-pk")[:MOST_CHOICES]:
        named.setdefault(one.name, one)
    models = (
        answering_to(user)
        .exclude(serving_file="")
        .exclude(stage="archived")
        .order_by("-is_deployed", "-pk")[:MOST_CHOICES]
    )
    return sorted(named.values(), key=lambda one: one.name.casefold()), list(models)


def _chosen(request, deployments, models):
    """The key of what the address asks for, else of the first choice; empty where there is none."""
    keys = [f"deployment:{one.name}" for one in deployments] + [f"model:{one.pk}" for one in models]
    wanted = [f"deployment:{request.GET.get('deployment')}", f"model:{_number(request.GET.get('model', ''))}"]
    return next((key for key in wanted if key in keys), keys[0] if keys else "")


def _thresholds(deployment, model):
    """Where the sliders start: the deployment's defaults, else the model's operating point."""
    defaults, point = deployment.defaults if deployment else {}, model.operating_point or {}
    by_class = defaults.get("per_class")
    if by_class is None and defaults.get("conf") is None:
        by_class = point.get("per_class")
    return {
        "conf": defaults.get("conf") or point.get("confidence") or DEFAULT_CONF,
        "per_class": by_class or {},
        "iou": defaults.get("iou") or IOU,
    }


def _samples(datasets):
    """Some images of these datasets that no model learns from."""
    images = DatasetImage.objects.filter(dataset__in=datasets, split__in=("test", "val")).order_by("split", "pk")
    return [
        {
            "name": image.filename,
            "url": reverse("datasets:image_file", args=[image.dataset_id, image.pk]),
            "thumbnail": reverse("datasets:image_thumbnail", args=[image.dataset_id, image.pk]),
        }
        for image in images[:SAMPLES]
    ]


def _number(text):
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
