"""What is in a dataset, as numbers: each a handful of grouped queries, whatever its size."""

from django.db.models import Count, ExpressionWrapper, F, FloatField, Q

from apps.annotations.models import Annotation
from apps.datasets.models import SPLITS, DatasetImage

# Box areas in square pixels, as COCO divides them, and finer below.
AREAS = [
    ("to 16²", 0, 16**2),
    ("to 32²", 16**2, 32**2),
    ("to 96²", 32**2, 96**2),
    ("to 256²", 96**2, 256**2),
    ("above", 256**2, None),
]
ASPECTS = [
    ("below 1:2", 0, 0.5),
    ("1:2 to 4:5", 0.5, 0.8),
    ("about square", 0.8, 1.25),
    ("5:4 to 2:1", 1.25, 2),
    ("above 2:1", 2, None),
]


def dataset_statistics(dataset):
    """Images and boxes, per class and split, box sizes and shapes (width:height in pixels), images without boxes."""
    images = DatasetImage.objects.filter(dataset=dataset).order_by()
    boxes = Annotation.objects.of(dataset).order_by()
    counts = images.aggregate(
        images=Count("pk"),
        labeled=Count("pk", filter=Q(is_labeled=True)),
        without_boxes=Count("pk", filter=Q(is_labeled=True, num_boxes=0)),
    )
    return {
        **counts,
        "boxes": boxes.count(),
        "classes": _classes(dataset, boxes),
        "splits": _splits(images, boxes),
        **_histograms(boxes),
    }


def _classes(dataset, boxes):
    found = {
        row["class_key"]: row
        for row in boxes.values("class_key").annotate(boxes=Count("pk"), images=Count("image", distinct=True))
    }
    nothing = {"boxes": 0, "images": 0}
    return [
        {"class_id": i, "class_name": name, **{k: found.get(dataset.class_keys[i], nothing)[k] for k in nothing}}
        for i, name in enumerate(dataset.class_names)
    ]


def _splits(images, boxes):
    by_split = dict(images.values_list("split").annotate(Count("pk")))
    boxes_by_split = dict(boxes.values_list("image__split").annotate(Count("pk")))
    return [
        {"split": split, "images": by_split.get(split, 0), "boxes": boxes_by_split.get(split, 0)}
        for split in (*SPLITS, "")
    ]


def _histograms(boxes):
    width, height = F("width") * F("image__width"), F("height") * F("image__height")
    boxes = boxes.annotate(
        area=ExpressionWrapper(width * height, FloatField()), aspect=ExpressionWrapper(width / height, FloatField())
    )
    wanted = {f"area{i}": _between("area", low, high) for i, (_, low, high) in enumerate(AREAS)}
    wanted |= {f"aspect{i}": _between("aspect", low, high) for i, (_, low, high) in enumerate(ASPECTS)}
    found = boxes.aggregate(**wanted)
    return {
        "box_sizes": [{"range": name, "boxes": found[f"area{i}"]} for i, (name, _, _) in enumerate(AREAS)],
        "box_shapes": [{"range": name, "boxes": found[f"aspect{i}"]} for i, (name, _, _) in enumerate(ASPECTS)],
    }


def _between(field, low, high):
    bounds = Q(**{f"{field}__gte": low})
    return Count("pk", filter=bounds & Q(**{f"{field}__lt": high}) if high else bounds)
