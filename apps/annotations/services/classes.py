"""Merging and deleting classes: what moves or deletes labels. A version is made first, so that it can be taken back."""

from django.db import transaction
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from apps.annotations.models import Annotation, Suggestion
from apps.annotations.services.statistics import dataset_statistics
from apps.annotations.services.versions import create_version
from apps.core.jobs import create_job
from apps.core.work import WorkFailed
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage

TASK = "apps.annotations.tasks.remove_class"
AT_ONCE_IMAGES, AT_ONCE_BOXES = 2_000, 20_000  # more than that is a job
COUNTED_BOXES = 50_000  # in a larger dataset the list of classes shows the kept statistics


def classes_with_counts(dataset):
    """`dataset.classes`, each with `boxes` and `images`: counted now, or in a large dataset as its statistics are kept.

    Both are None where those were never counted.
    """
    if dataset.num_boxes <= COUNTED_BOXES:
        found, nothing = counts_by_key(dataset), {"boxes": 0, "images": 0}
    else:
        rows = dataset_statistics(dataset)["classes"] or []
        found, nothing = {dataset.key_of(row["class_id"]): row for row in rows}, {"boxes": None, "images": None}
    return [{**row, **{name: found.get(row["key"], nothing)[name] for name in nothing}} for row in dataset.classes]


def counts_by_key(dataset):
    """`{permanent number: {boxes, images}}`, counted now."""
    rows = Annotation.objects.of(dataset).order_by().values("class_key")
    return {row["class_key"]: row for row in rows.annotate(boxes=Count("pk"), images=Count("image", distinct=True))}


def effect_of_removal(dataset, class_id):
    """What merging or deleting a class touches: `{boxes, images}`. Raises BadClassName."""
    _place(dataset, class_id)
    labels = Annotation.objects.of(dataset).filter(class_key=dataset.class_keys[class_id])
    return labels.aggregate(boxes=Count("pk"), images=Count("image", distinct=True))


def remove_class(dataset, class_id, user, into=None):
    """Merge a class into the class `into`, or delete it with its labels where `into` is None.

    Done at once in a small dataset, else as a job. Returns (the number of the version made before, None), or
    (None, the job). Raises BadClassName.
    """
    key = _place(dataset, class_id)
    into_key = None if into is None else _place(dataset, into)
    if key == into_key:
        raise datasets.BadClassName("A class cannot be merged into itself.")
    if dataset.num_images <= AT_ONCE_IMAGES and dataset.num_boxes <= AT_ONCE_BOXES:
        return _remove(dataset, key, into_key, user)[1], None
    params = {"dataset_id": dataset.pk, "key": key, "into_key": into_key}
    return None, create_job(user, "classes", TASK, subject=f"dataset:{dataset.pk}", params=params, about=dataset)


def run_removal(job, report):
    """The work of such a job; run again after a kill it finds the class gone, or does it from the start."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    report(0.1, "Making a version first")
    boxes, _ = _remove(dataset, job.params["key"], job.params["into_key"], job.owner)
    return {
        "dataset_id": dataset.pk, "boxes": boxes, "figures": {"boxes": boxes},
        "page_url": f"/datasets/{dataset.pk}/classes", "page_words": "See the classes",
    }  # fmt: skip


def _remove(dataset, key, into_key, user):
    if key not in dataset.class_keys:
        return 0, None
    version, _ = create_version(dataset, user, _note(dataset, key, into_key))
    with transaction.atomic():
        row = Dataset.objects.select_for_update().get(pk=dataset.pk)
        if key not in row.class_keys:
            return 0, None
        if into_key is not None and into_key not in row.class_keys:
            raise datasets.BadClassName("The class to merge into was removed meanwhile.")
        boxes = _move(row, key, into_key) if into_key is not None else _delete(row, key)
        datasets.drop_class(dataset, row.places[key], user, into_key, boxes)
        datasets.refresh_counts(dataset)
    return boxes, version.number


def _note(dataset, key, into_key):
    name = dataset.class_names[dataset.place_of(key)]
    if into_key is None:
        return f"Before “{name}” was deleted"
    return f"Before “{name}” was merged into “{dataset.class_names[dataset.place_of(into_key)]}”"


def _move(dataset, key, into_key):
    """Labels in the trash stay as they are: `trash.restore_images` brings them to their heir when they come back."""
    Suggestion.objects.filter(image__in=dataset.images.values("pk"), class_key=key).update(class_key=into_key)
    return _labels(dataset, key).update(class_key=into_key)


def _labels(dataset, key):
    return Annotation.objects.filter(image__in=dataset.images.values("pk"), class_key=key)


def _delete(dataset, key):
    """Those in the trash stay until then as well."""
    Suggestion.objects.filter(image__in=dataset.images.values("pk"), class_key=key).delete()
    others = Annotation.objects.filter(image=OuterRef("pk")).exclude(class_key=key).order_by()
    left = Subquery(others.values("image").annotate(n=Count("pk")).values("n"))
    touched = _labels(dataset, key).values("image")
    DatasetImage.objects.filter(pk__in=touched).update(num_boxes=Coalesce(left, 0))
    return _labels(dataset, key).delete()[0]


def _place(dataset, class_id):
    if not 0 <= class_id < len(dataset.class_keys):
        raise datasets.BadClassName("There is no such class.")
    return dataset.class_keys[class_id]
