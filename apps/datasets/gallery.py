"""The gallery of a dataset: its page, and what the page asks for as it is scrolled."""

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Count
from django.http import JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from rest_framework.exceptions import ValidationError

from apps.core.direct_uploads import is_offered
from apps.datasets.access import get_dataset, may_edit
from apps.datasets.listing import DEFAULT_SORT, MOST_IDS, SORTS, ImageList, by_id
from apps.datasets.models import DatasetImage
from apps.datasets.views import IMAGES_A_PAGE, dataset_context

MOST_TILES = 200
MOST_CHOICES = 200
BLANK = {"id": 0, "name": "", "width": 4, "height": 3, "state": "unlabelled", "boxes": 0, "split": "", "tags": []}


@login_required
@ensure_csrf_cookie
def dataset_detail(request, pk):
    """The page with the tiles around `?at=` (a position, from 0) or of `?page=`, whole without JavaScript."""
    dataset = get_dataset(request.user, pk)
    problem, similar, count, tiles, page = "", None, 0, [], _page_of(request.GET)
    try:
        images = ImageList(dataset, request.GET)
        count, similar = images.count, images.similar_to
        page = min(page, max(0, count - 1) // IMAGES_A_PAGE)
        tiles = [tile(image) for image in images.window(page * IMAGES_A_PAGE, IMAGES_A_PAGE)]
    except ValidationError as wrong:
        problem = " ".join(f"{name}: {' '.join(map(str, words))}" for name, words in wrong.detail.items())
    last = max(0, count - 1) // IMAGES_A_PAGE
    context = dataset_context(request, dataset) | {
        "tiles": tiles, "blank": BLANK, "count": count, "problem": problem, "similar": similar, "query": request.GET,
        "sorts": [(name, words) for name, (words, _) in SORTS.items()], "sort": request.GET.get("sort") or DEFAULT_SORT,
        "states": [(state, state.replace("_", " ")) for state in DatasetImage.State.values],
        "tags": list(dataset.tags.values_list("name", flat=True)[:MOST_CHOICES]), "trash_days": settings.TRASH_DAYS,
        "is_narrowed": any(value.strip() for name, value in request.GET.items() if name not in ("at", "page", "sort")),
        "number": page + 1, "num_pages": last + 1, "goes_straight": is_offered(),
        "config": _config(request, dataset, count, page * IMAGES_A_PAGE, tiles),
    }  # fmt: skip
    return render(request, "datasets/dataset_detail.html", context)


@login_required
def tiles(request, pk):
    """`{items, count}`: the tiles from position `from` on. `count` is null where it was not asked for and costs."""
    dataset = get_dataset(request.user, pk)
    try:
        images = ImageList(dataset, request.GET)
        start, size = number(request.GET, "from"), min(number(request.GET, "size", MOST_TILES), MOST_TILES)
        answer = {"items": [tile(image) for image in images.window(start, size)], "count": images.known_count}
        if request.GET.get("count"):
            answer |= {"count": images.count, "similar": images.similar_to and images.similar_to.filename}
    except ValidationError as wrong:
        return JsonResponse(wrong.detail, status=400)
    return JsonResponse(answer)


@login_required
def tile_ids(request, pk):
    """`{ids}`: those from position `from` on, at most `size`, for choosing a range."""
    dataset = get_dataset(request.user, pk)
    try:
        start, size = number(request.GET, "from"), min(number(request.GET, "size"), MOST_IDS)
        ids = ImageList(dataset, request.GET).ids(start, size)
    except ValidationError as wrong:
        return JsonResponse(wrong.detail, status=400)
    return JsonResponse({"ids": ids})


@login_required
def filter_choices(request, pk):
    """A fragment: what there is to choose from by source and group. Asked for when somebody opens it."""
    dataset = get_dataset(request.user, pk)
    images = by_id(dataset.images.order_by())
    choices = {
        name: list(images.exclude(**{name: ""}).values_list(name).annotate(Count("pk")).order_by(name)[:MOST_CHOICES])
        for name in ("source", "group")
    }
    return render(request, "datasets/dataset_detail.html#choices", {"choices": choices, "query": request.GET})


@login_required
def facts(request, pk):
    """A fragment: how many images, labels and splits there are now, and what is in the trash."""
    return render(
        request, "datasets/dataset_detail.html#facts", dataset_context(request, get_dataset(request.user, pk))
    )


def tile(image):
    """What a tile shows of an image that has `tag_names`."""
    return {
        "id": image.pk, "name": image.filename, "width": image.width, "height": image.height, "state": image.state,
        "boxes": image.num_boxes, "split": image.split, "tags": image.tag_names,
    }  # fmt: skip


def number(query, name, default=0):
    """A whole number of the query, not negative; raises ValidationError."""
    word = query.get(name) or str(default)
    if not (word.isascii() and word.isdecimal() and len(word) < 13):
        raise ValidationError({name: ["A whole number, 0 or more."]})
    return int(word)


def _page_of(query):
    """The page, from 0, that the address names by position or by its number; the first where it names none."""
    try:
        if query.get("at"):
            return number(query, "at") // IMAGES_A_PAGE
        return max(number(query, "page", 1) - 1, 0)
    except ValidationError:
        return 0


def _config(request, dataset, count, start, tiles):
    address = lambda name: reverse(name, args=[dataset.pk])  # noqa: E731
    return {
        "can_edit": may_edit(request.user, dataset), "csrf_cookie": settings.CSRF_COOKIE_NAME,
        "trash_days": settings.TRASH_DAYS, "count": count, "from": start, "items": tiles,
        "urls": {
            "tiles": address("datasets:tiles"), "ids": address("datasets:tile_ids"),
            "boxes": reverse("datasets:dataset_detail", args=[dataset.pk]) + "gallery-boxes",
            "label": reverse("datasets:dataset_detail", args=[dataset.pk]) + "label",
            "thumbnail": reverse("datasets:image_thumbnail", args=[dataset.pk, 0]),
            "bulk": f"/api/v1/datasets/{dataset.pk}/images/bulk", "undo": f"/api/v1/datasets/{dataset.pk}/images/undo",
        },
    }  # fmt: skip
