"""No page of a dataset, and no list, asks the database more often for fifty rows of everything than for one."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.annotations.models import Annotation, DatasetVersion, Revision, Suggestion
from apps.annotations.services.statistics.kept import recount
from apps.core.models import Job
from apps.datasets import services
from apps.datasets.models import DatasetImage, Tag
from apps.models.models import ModelLine, ModelTag, TrainedModel
from apps.training.models import TrainingEpoch, TrainingJob
from conftest import person

DATASET_PAGES = (
    "", "?sort=name", "tiles?from=0&count=1", "tiles?from=0&count=1&class_id=0", "tiles/ids?from=0&size=100", "facts",
    "filter-choices", "trash", "gallery-boxes?ids=1,2,3", "classes", "statistics", "labelling-progress", "health",
    "health/duplicates", "health/leaks", "leak-warning", "validation-card", "splits", "transfer", "versions",
    "settings", "crops", "label",
)  # fmt: skip
API = ("statistics", "versions", "images?page_size=500", "images?cursor=&page_size=500", "crops?class_id=0")
LISTS = (
    "/datasets/", "/models/", "/training/", "/models/recent", "/training/recent", "/jobs/recent", "/training/new",
    "/api/v1/datasets?page_size=500", "/api/v1/jobs?page_size=500", "/api/v1/models?page_size=500",
    "/api/v1/training?page_size=500",
)  # fmt: skip


PATHS = (
    *(f"/datasets/{{d}}/{page}" for page in DATASET_PAGES),
    *(f"/api/v1/datasets/{{d}}/{call}" for call in API),
    *LISTS,
)


def test_a_page_asks_as_often_for_fifty_rows_as_for_one(alice, dataset, page_as):
    browser, asked = page_as(alice), {}
    for number in (1, 50):
        fill(alice, dataset, number)
        asked[number] = {path: questions(browser, path.format(d=dataset.pk)) for path in PATHS}
    grown = {path: many for path, many in asked[50].items() if len(many) != len(asked[1][path])}
    assert not grown, "\n".join(f"{path}:\n  " + "\n  ".join(sql[:300] for sql in grown[path]) for path in grown)


def questions(browser, path):
    """The SQL of a page that has been asked for before."""
    browser.get(path)  # what is made once, is made
    with CaptureQueriesContext(connection) as queries:
        response = browser.get(path)
    assert response.status_code == 200, path
    return [query["sql"] for query in queries]


def fill(owner, dataset, number):
    """So many more of everything that a page of `dataset` or a list of its owner could show."""
    for n in range(number):
        services.add_class(dataset, f"class {number}-{n}")
    images = _images(owner, dataset, number)
    _labels(images, [person(f"person{number}-{n}") for n in range(number)])
    for n in range(number):
        services.create_dataset(owner, f"Set {n}", is_public=True)
    Job.objects.bulk_create(
        Job(owner=owner, kind="import", task="x", subject=f"dataset:{dataset.pk}") for _ in range(number)
    )
    versions = DatasetVersion.objects.bulk_create(
        DatasetVersion(dataset=dataset, number=number * 100 + n, content_hash=f"{number}-{n}", created_by=owner)
        for n in range(number)
    )
    line = ModelLine.objects.create(owner=owner, name=f"Line {number}")
    models = TrainedModel.objects.bulk_create(
        TrainedModel(owner=owner, line=line, number=n, model_type="yolov8n", sha256="x", dataset_version=version)
        for n, version in enumerate(versions, 1)
    )
    ModelTag.objects.bulk_create(ModelTag(model=model, name=f"tag {number} {model.number}") for model in models)
    TrainingJob.objects.bulk_create(
        TrainingJob(
            user=owner, dataset=dataset, dataset_version=version, model=model, name="x", model_type="yolov8n", epochs=3,
            batch_size=2, img_size=64, patience=1, status="running",
        )
        for version, model in zip(versions, models, strict=True)
    )  # fmt: skip
    TrainingEpoch.objects.bulk_create(
        TrainingEpoch(job=job, epoch=1, seconds=2) for job in TrainingJob.objects.filter(epoch_rows=None)
    )
    services.refresh_counts(dataset)
    recount(dataset)


def _images(owner, dataset, number):
    common = {"dataset": dataset, "num_bytes": 1, "width": 64, "height": 48, "file": "a.png", "thumbnail": "a.jpg"}
    images = DatasetImage.objects.bulk_create(
        DatasetImage(
            filename=f"{number}-{n}.png", sha256=f"{number}-{n}", is_labeled=True, state="labelled", num_boxes=1,
            revision=1, split="train", signature=bytes([number, n] * 8), brightness=n, **common,
        )
        for n in range(number)
    )  # fmt: skip
    gone = {"deleted_at": timezone.now(), "deleted_by": owner}
    DatasetImage.all_objects.bulk_create(
        DatasetImage(filename=f"gone {n}.png", sha256=f"gone {number}-{n}", **common, **gone) for n in range(number)
    )
    for n, image in enumerate(images):
        image.tags.add(Tag.objects.get_or_create(dataset=dataset, name=f"tag {number}-{n}")[0])
    return images


def _labels(images, people):
    box = {"x_center": 0.5, "y_center": 0.5, "width": 0.1, "height": 0.1}
    for n, (image, who) in enumerate(zip(images, people, strict=True)):
        Annotation.objects.create(image=image, class_key=n % 3, **box)
        Suggestion.objects.create(image=image, class_key=0, confidence=0.5, **box)
        Revision.objects.create(image=image, number=1, author=who, num_annotations=1, added=1)
