"""Out by the export's own door and in again by the import's, for every format: the same comes back."""

import io
import json
import zipfile

import pytest

from apps.annotations.formats import FORMATS
from apps.annotations.models import Annotation, Revision
from apps.annotations.services.classes import remove_class
from apps.annotations.services.exports import start_export
from apps.annotations.services.imports import start_import
from apps.annotations.services.labels import save_labels
from apps.annotations.services.versions import create_version
from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage, Tag
from conftest import box, upload

from .archives import photo, sideways
from .test_imports import contents

PRECISION = 1e-6  # of the image, in every format
TRIANGLE = [[0.1, 0.1], [0.9, 0.2], [0.5, 0.95]]


@pytest.fixture
def rich(alice):
    """Three classes, reordered, one deleted before; images in each split and in none, one of them nobody labelled."""
    dataset = datasets.create_dataset(alice, "Rich", class_names=["old", "red", "white", "never used"])
    remove_class(dataset, 0, alice)
    datasets.reorder_classes(dataset, [2, 3, 1])
    datasets.recolor_class(dataset, 0, "#123456")
    files = [upload(f"{n}.png", photo(n)) for n in range(5)] + [upload("side.jpg", sideways())]
    images = datasets.add_images(dataset, files)["created"]
    labels = [
        [box(2, x=1 / 3, y=2 / 3, width=1 / 7, height=0.1234567), box(0, confidence=0.625, source="model")],
        [box(0, x=0.1, width=0.2)], [box(2)], [], None, [box(0, y=0.25, height=0.5)],
    ]  # fmt: skip
    for image, items, split in zip(images, labels, ["train", "val", "test", "train", "train", ""], strict=True):
        image.dataset = dataset
        if items is not None:
            save_labels(image, 0, items, alice)
        datasets.set_split(dataset, dataset.images.filter(pk=image.pk), split)
    save_labels(images[1], 1, [box(0, x=0.15, width=0.2), box(2, x=0.8)], alice)
    images[0].tags.add(
        Tag.objects.create(dataset=dataset, name="night"), Tag.objects.create(dataset=dataset, name="rain")
    )
    DatasetImage.objects.filter(pk=images[0].pk).update(group="film 1")
    dataset.refresh_from_db()
    return dataset


@pytest.fixture
def again(run_jobs, alice):
    """`again(dataset, **options)`: (export job, the dataset that its archive became)."""

    def run(dataset, **options):
        with run_jobs():
            job = start_export(alice, dataset, **options)
        job.refresh_from_db()
        assert (job.status, job.error_message) == ("completed", "")
        copy = datasets.create_dataset(alice, "Copy", task=dataset.task)
        with run_jobs(), job.file.open("rb") as file:
            back = start_import(alice, copy, upload(job.result["filename"], file.read()))
        back.refresh_from_db()
        assert (back.status, back.error_message) == ("completed", "")
        copy.refresh_from_db()
        return job, copy

    return run


def assert_same(was, now, lossless=False):
    """The same images with the same splits, states and boxes; upright pictures are PNGs where a format needs that."""
    if not lossless:
        was["side.png"] = was.pop("side.jpg")
    assert set(now) == set(was)
    for name, (split, labeled, rows) in was.items():
        assert now[name][:2] == (split, labeled), name
        assert [row[0] for row in now[name][2]] == [row[0] for row in rows], name
        for mine, theirs in zip(now[name][2], rows, strict=True):
            assert mine[1:] == pytest.approx(theirs[1:], abs=0 if lossless else PRECISION), name


@pytest.mark.parametrize("of", ["now", "a version"])
@pytest.mark.parametrize("format", FORMATS)
def test_same_boxes_classes_in_the_same_order_and_splits_come_back(rich, again, alice, format, of):
    was, classes, options = contents(rich), rich.class_names, {}
    if of == "a version":
        options["version"], _ = create_version(rich, alice)
        spoil(rich, alice)
    _, copy = again(rich, format=format, only_labeled=False, **options)
    assert_same(was, contents(copy), lossless=format == "ndjson")
    assert copy.class_names == classes


def spoil(dataset, user):
    """Change everything: a version must not care."""
    for image in dataset.images.all():
        image.dataset = dataset
        save_labels(image, image.revision, [], user)
    datasets.rename_class(dataset, 0, "spoilt")
    datasets.trash_images(dataset, dataset.images.filter(filename="2.png"), user)


@pytest.mark.parametrize("format", ["coco", "ndjson"])
def test_permanent_numbers_of_classes_come_back(rich, again, format):
    _, copy = again(rich, format=format)
    assert copy.class_keys == rich.class_keys == [2, 3, 1]


def test_coco_ids_stay_with_their_classes_whatever_happens_to_the_others(rich, again, alice):
    def ids(job):
        with job.file.open("rb") as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
            names = [name for name in archive.namelist() if name.startswith("annotations/")]
            return {row["name"]: row["id"] for row in json.loads(archive.read(names[0]))["categories"]}

    assert ids(again(rich, format="coco")[0]) == {"white": 3, "never used": 4, "red": 2}
    datasets.add_class(rich, "new")
    datasets.reorder_classes(rich, [1, 4, 2, 3])
    remove_class(rich, 3, alice)
    assert ids(again(rich, format="coco")[0]) == {"red": 2, "new": 5, "white": 3}


def test_own_format_loses_nothing(rich, again):
    rich.images.filter(filename="0.png").update(state="reviewed")
    _, copy = again(rich, format="ndjson", only_labeled=False)
    for image in rich.images.order_by("filename"):
        twin = copy.images.get(filename=image.filename)
        assert twin.sha256 == image.sha256
        assert (twin.group, twin.split, twin.is_labeled) == (image.group, image.split, image.is_labeled)
        assert twin.state == image.state, image.filename
        assert set(twin.tags.values_list("name", flat=True)) == set(image.tags.values_list("name", flat=True))
        assert boxes(twin) == boxes(image)
        assert [history(row) for row in twin.revisions.all()] == [history(row) for row in image.revisions.all()]
    assert copy.class_names == rich.class_names
    assert [row["color"] for row in copy.classes] == [row["color"] for row in rich.classes]


def boxes(image):
    fields = ("class_key", "x_center", "y_center", "width", "height", "points", "confidence", "source")
    return list(image.annotations.order_by("pk").values_list(*fields))


def history(row: Revision):
    labels = [{k: v for k, v in label.items() if k != "id"} for label in row.annotations]
    return row.number, row.kind, row.author_id, row.created_at, labels


def test_own_format_of_a_version_has_the_history_up_to_it(rich, again, alice):
    version, _ = create_version(rich, alice)
    image = rich.images.get(filename="1.png")
    image.dataset = rich
    save_labels(image, image.revision, [], alice)
    _, copy = again(rich, format="ndjson", version=version)
    assert [row.number for row in copy.images.get(filename="1.png").revisions.all()] == [2, 1]


@pytest.mark.parametrize("format", [key for key in FORMATS if key not in ("voc",)])
def test_polygons_come_back(again, alice, format):
    shapes = datasets.create_dataset(alice, "Shapes", task="segment", class_names=["red"])
    (image,) = datasets.add_images(shapes, [upload("a.png", photo(1))])["created"]
    image.dataset = shapes
    save_labels(image, 0, [box(points=TRIANGLE)], alice)
    _, copy = again(shapes, format=format)
    row = Annotation.objects.get(image__dataset=copy)
    assert [v for point in row.points for v in point] == pytest.approx([v for p in TRIANGLE for v in p], abs=PRECISION)


@pytest.mark.parametrize("format", FORMATS)
def test_labels_alone_are_an_archive_without_pictures(run_jobs, rich, alice, format):
    with run_jobs():
        job = start_export(alice, rich, format=format, with_images=False)
    job.refresh_from_db()
    assert job.status == "completed"
    assert job.result["filename"] == f"Rich-{format}-labels.zip"
    with job.file.open("rb") as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        assert archive.testzip() is None
        assert archive.namelist()
        assert not [name for name in archive.namelist() if name.endswith((".png", ".jpg"))]
    assert (job.result["images"], job.result["boxes"]) == (5, 6)
