"""Problems of a dataset, each with the image it is on: what would spoil a training or an export."""

from django.core.files.storage import default_storage
from django.db.models import Count, F, Q

from apps.annotations.models import Annotation
from apps.annotations.services.shapes import ROUNDING
from apps.core.jobs import create_job
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset, DatasetImage

TASK = "apps.annotations.tasks.validate_dataset"
MOST = 10_000


def start_validation(user, dataset):
    """Queue the validation of a dataset; returns the job."""
    return create_job(user, "validation", TASK, subject=f"dataset:{dataset.pk}", params={"dataset_id": dataset.pk})


def run_validation(job, report):
    """The work of a validation job: `problems` name image, kind and reason."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    problems = [*split_problems(dataset), *box_problems(dataset), *duplicate_boxes(dataset)]
    problems += file_problems(dataset, report)
    return {
        "num_problems": len(problems), "problems": problems[:MOST], "figures": {"problems": len(problems)},
        "page_url": f"/datasets/{dataset.pk}/", "page_words": "See the images",
    }  # fmt: skip


def split_problems(dataset):
    """Empty splits that training needs, and classes that train never shows."""
    for split in ("train", "val"):
        if not DatasetImage.objects.filter(dataset=dataset, split=split).exists():
            yield problem("", "empty split", f"No image is in the split “{split}”.")
    shown = Annotation.objects.of(dataset).filter(image__split="train")
    shown = set(shown.order_by().values_list("class_key", flat=True).distinct())
    for key, name in zip(dataset.class_keys, dataset.class_names, strict=True):
        if key not in shown:
            yield problem("", "class absent from train", f"No box of “{name}” is in the split “train”.")


def box_problems(dataset):
    """Boxes outside the image, without area, or of a class that is not there."""
    rows = Annotation.objects.of(dataset).annotate(
        left=F("x_center") - F("width") / 2, right=F("x_center") + F("width") / 2,
        top=F("y_center") - F("height") / 2, bottom=F("y_center") + F("height") / 2,
    )  # fmt: skip
    low, high = -ROUNDING, 1 + ROUNDING
    outside = Q(left__lt=low) | Q(top__lt=low) | Q(right__gt=high) | Q(bottom__gt=high)
    kinds = (
        ("box outside the image", outside),
        ("zero-size box", Q(width__lte=0) | Q(height__lte=0)),
        ("class out of range", ~Q(class_key__in=dataset.class_keys)),
    )
    for kind, wrong in kinds:
        for name, key in rows.filter(wrong).values_list("image__filename", "class_key")[:MOST]:
            yield problem(name, kind, f"A box of “{name_of(dataset, key)}”.")


def duplicate_boxes(dataset):
    """The same box of the same class more than once on one image."""
    same = ("image", "image__filename", "class_key", "x_center", "y_center", "width", "height")
    rows = Annotation.objects.of(dataset).order_by().values(*same).annotate(times=Count("pk"))
    for row in rows.filter(times__gt=1)[:MOST]:
        words = f"The same box of “{name_of(dataset, row['class_key'])}” is there {row['times']} times."
        yield problem(row["image__filename"], "duplicate box", words)


def file_problems(dataset, report):
    """Stored files that are missing. The same bytes twice cannot be: a dataset holds them once."""
    found, total = [], max(dataset.num_images, 1)
    for done, (filename, file) in enumerate(dataset.images.values_list("filename", "file").iterator(), 1):
        if not default_storage.exists(file):
            found.append(problem(filename, "unreadable file", "Its stored file is missing."))
        if done % 100 == 0:
            report(done / total, f"{done} of {total} images")
    return found


def name_of(dataset, key):
    place = dataset.place_of(key)
    return f"a class that is gone (number {key})" if place is None else dataset.class_names[place]


def problem(image, kind, reason):
    return {"file": image, "line": None, "kind": kind, "reason": f"{kind}: {reason}"}
