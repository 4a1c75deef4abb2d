"""Rows of a dataset as large as wanted, with what people and imports leave in one: splits, labels, revisions, trash.

Only rows: a few hundred thumbnails stand for all. Needs Django to be set up.
"""

import io
import itertools
import os
from datetime import timedelta

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from PIL import Image

CLASSES = 80
THUMBNAILS = 200
BATCH = 2_000
SIZES = ((640, 480), (1280, 720), (1920, 1080), (480, 640), (800, 800))


def fill(owner, name, images, boxes, people=(), trashed=500, seed=1):
    """A dataset of `images` images with `boxes` labels, and `trashed` images more in the trash; returns it."""
    from apps.datasets import services

    random = np.random.default_rng(seed)
    dataset = services.create_dataset(owner, name, class_names=[f"class {n:02d}" for n in range(CLASSES)])
    thumbnails = [_thumbnail(dataset, n) for n in range(min(THUMBNAILS, images))]
    share, left = boxes / max(images, 1), boxes
    people = [owner, *people]
    for start in range(0, images, BATCH):
        count = min(BATCH, images - start)
        numbers = random.poisson(share, count)
        if start + count == images:
            numbers[-1] += max(left - numbers.sum(), 0)
        left -= int(numbers.sum())
        with transaction.atomic():
            rows = _add_images(dataset, start, numbers, thumbnails, random)
            _add_labels(dataset, rows, people, random)
    _add_trash(dataset, owner, images, trashed, thumbnails, random)
    _add_tags_and_suggestions(dataset)
    services.refresh_counts(dataset)
    dataset.refresh_from_db()
    return dataset


def _thumbnail(dataset, number):
    picture = io.BytesIO()
    noise = np.random.default_rng(number).integers(0, 255, (12, 16, 3), np.uint8)
    Image.fromarray(noise).resize((320, 240)).save(picture, "JPEG", quality=80)
    return default_storage.save(f"datasets/{dataset.pk}/thumbnails/{number}.jpg", ContentFile(picture.getvalue()))


def _image(dataset, number, num_boxes, thumbnails, random, **more):
    from apps.datasets.models import DatasetImage

    width, height = SIZES[number % len(SIZES)]
    labeled = num_boxes > 0 or number % 50 == 0
    return DatasetImage(
        dataset=dataset, filename=f"camera-{number // 1000:03d}/frame-{number:06d}.jpg",
        file=f"datasets/{dataset.pk}/images/{number}.jpg", thumbnail=thumbnails[number % len(thumbnails)],
        sha256=random.bytes(32).hex(), num_bytes=int(random.integers(50_000, 900_000)), width=width, height=height,
        is_labeled=labeled, state=("labelled" if number % 3 else "reviewed") if labeled else "unlabelled",
        num_boxes=num_boxes, split=("train", "train", "train", "train", "val", "test", "")[number % 7],
        revision=int(labeled), source="upload" if number % 2 else "drive.zip", group=f"camera-{number // 1000:03d}",
        signature=random.bytes(16), brightness=int(random.integers(20, 230)) if number % 10 else None, **more,
    )  # fmt: skip


def _add_images(dataset, start, numbers, thumbnails, random):
    from apps.datasets.models import DatasetImage

    rows = [_image(dataset, start + n, int(count), thumbnails, random) for n, count in enumerate(numbers)]
    return DatasetImage.objects.bulk_create(rows)


def _add_labels(dataset, images, people, random):
    from apps.annotations.models import Annotation, Revision

    total = sum(image.num_boxes for image in images)
    keys = np.minimum(random.zipf(1.4, total) - 1, CLASSES - 1)
    sides = random.uniform(0.01, 0.3, (total, 2))
    middles = np.clip(random.normal(0.5, 0.2, (total, 2)), sides / 2, 1 - sides / 2)
    table = zip(keys.tolist(), middles.tolist(), sides.tolist(), strict=True)
    labels, revisions, now = [], [], timezone.now()
    for image in images:
        mine = [
            Annotation(image=image, class_key=key, x_center=x, y_center=y, width=w, height=h)
            for key, (x, y), (w, h) in itertools.islice(table, image.num_boxes)
        ]
        labels += mine
        if image.revision:
            kept = [{"class_key": a.class_key, "x_center": a.x_center, "y_center": a.y_center} for a in mine]
            revisions.append(Revision(
                image=image, number=1, author=people[image.pk % len(people)], num_annotations=len(mine),
                added=len(mine), annotations=kept,
            ))  # fmt: skip
    Annotation.objects.bulk_create(labels, batch_size=10_000)
    Revision.objects.bulk_create(revisions)
    pks = [row.pk for row in revisions]
    when = now - timedelta(days=int(images[0].pk // BATCH % 90))
    Revision.objects.filter(pk__range=(pks[0], pks[-1])).update(created_at=when)


def _add_trash(dataset, owner, start, count, thumbnails, random):
    from apps.datasets.models import DatasetImage

    trash = {"deleted_at": timezone.now(), "deleted_by": owner}
    rows = [_image(dataset, start + n, 0, thumbnails, random, **trash) for n in range(count)]
    DatasetImage.all_objects.bulk_create(rows)


def _add_tags_and_suggestions(dataset):
    """A tag on each twentieth image, and what a model sees more on each tenth."""
    from apps.annotations.models import Suggestion
    from apps.datasets.models import DatasetImage, Tag

    pks = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    links, tag = DatasetImage.tags.through, Tag.objects.create(dataset=dataset, name="night")
    links.objects.bulk_create((links(datasetimage_id=pk, tag=tag) for pk in pks[::20]), batch_size=BATCH)
    box = {"class_key": 0, "x_center": 0.5, "y_center": 0.5, "width": 0.1, "height": 0.1, "confidence": 0.5}
    Suggestion.objects.bulk_create((Suggestion(image_id=pk, **box) for pk in pks[::10]), batch_size=BATCH)


def shells(owner, like, count):
    """`count` datasets more that look like `like` in the list: its figures, its cover, no rows behind them."""
    from apps.datasets.models import Dataset

    fields = ("class_names", "class_keys", "num_classes", "num_images", "num_labeled", "num_boxes", "split_counts")
    values = {name: getattr(like, name) for name in fields}
    Dataset.objects.bulk_create(Dataset(owner=owner, name=f"Big one {n}", **values) for n in range(count))


def set_up():
    """Django, for a script that stands beside the project."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
    import django

    django.setup()
