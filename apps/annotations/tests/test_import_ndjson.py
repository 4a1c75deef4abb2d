"""The platform's own format: what an archive of it has of an image comes back whole."""

import json

import pytest
from django.utils.dateparse import parse_datetime

from apps.annotations.models import Annotation, Revision
from apps.annotations.services.imports import start_import
from apps.core.models import Job
from conftest import person

from .archives import packed, photo


def row(number, **more):
    box = {
        "class_index": 0, "x_center": 0.5, "y_center": 1 / 3, "width": 0.25, "height": 0.2, "points": None,
        "confidence": 0.75, "source": "model",
    }  # fmt: skip
    return {
        "file": f"images/{number}.png", "filename": f"{number}.png", "width": 80, "height": 40, "split": "val",
        "labelled": True, "boxes": [box], **more,
    }  # fmt: skip


def archive(*rows, classes=("red",)):
    classes = [{"key": 7 + n, "name": name, "color": "#123456"} for n, name in enumerate(classes)]
    header = {"format": "yolotrainer", "version": 1, "task": "detect", "classes": classes}
    lines = [header, *rows]
    files = {f"images/{n}.png": photo(n) for n in range(len(rows))}
    return packed(files | {"dataset.ndjson": "\n".join(map(json.dumps, lines))})


@pytest.fixture
def brought(run_jobs, alice):
    """`brought(*rows)`: a new dataset of these rows, and the job."""
    from apps.datasets.services import create_dataset

    def bring(*rows, **options):
        dataset = create_dataset(alice, "Back")
        with run_jobs():
            start_import(alice, dataset, archive(*rows, **options), new=True)
        job = Job.objects.get()
        assert job.status == "completed", job.traceback
        dataset.refresh_from_db()
        return dataset, job

    return bring


def test_sources_confidences_and_class_numbers_and_colours_come_back(brought):
    dataset, _ = brought(row(0))
    label = Annotation.objects.get()
    assert (label.source, label.confidence, label.y_center, label.class_key) == ("model", 0.75, 1 / 3, 7)
    assert (dataset.class_keys, dataset.classes[0]["color"]) == ([7], "#123456")


def test_split_group_source_state_and_tags_come_back(brought):
    dataset, _ = brought(
        row(0, state="reviewed", group="film 3", source="camera", tags=["night", "rain"]),
        row(1, state="unheard of", tags=["night"]),
        row(2, labelled=False, boxes=[], state="reviewed"),
    )
    first, second, third = dataset.images.order_by("filename")
    assert (first.split, first.state, first.group, first.source) == ("val", "reviewed", "film 3", "camera")
    assert set(first.tags.values_list("name", flat=True)) == {"night", "rain"}
    assert (second.state, second.source, list(second.tags.values_list("name", flat=True))) == (
        "labelled", "labels.zip", ["night"],
    )  # fmt: skip
    assert (third.state, third.is_labeled, third.revision) == ("unlabelled", False, 0)


def revision(number, *boxes, author="alice", time="2025-03-01T12:00:00+00:00", kind="edit"):
    return {"number": number, "author": author, "time": time, "kind": kind, "annotations": list(boxes)}


def box(x):
    return row(0)["boxes"][0] | {"x_center": x}


def test_history_comes_back_and_ends_in_the_labels_as_they_are(brought):
    person("bob")
    history = [revision(2, box(0.3)), revision(5, box(0.5), author="bob", time="2025-03-02T12:00:00Z", kind="restore")]
    dataset, _ = brought(row(0, revisions=history))
    image = dataset.images.get()
    old, new = Revision.objects.order_by("number")
    assert (old.number, new.number, image.revision) == (2, 5, 5)
    assert (old.author.username, new.author) == ("alice", None)  # an archive proves nothing about others
    assert (old.created_at, new.kind) == (parse_datetime("2025-03-01T12:00:00Z"), "restore")
    assert (old.annotations[0]["x_center"], new.annotations[0]["x_center"]) == (0.3, 0.5)
    assert new.annotations[0]["id"] == Annotation.objects.get().pk
    assert (new.added, new.removed) == (1, 1)


def test_history_that_does_not_end_in_the_labels_gets_the_import_as_its_last_step(brought):
    dataset, _ = brought(row(0, revisions=[revision(3, box(0.3))]))
    assert dataset.images.get().revision == 4
    last = Revision.objects.get(number=4)
    assert (last.kind, last.author.username, last.annotations[0]["x_center"]) == ("import", "alice", 0.5)


@pytest.mark.parametrize(
    "bad",
    [
        {"revisions": [revision(2), revision(2), revision(1)]},
        {"revisions": [revision(1, time="9999-12-31T00:00:00Z"), revision(2, time="2025-13-45")]},
        {"revisions": [revision(1, kind="x" * 99, author="y" * 999)]},
        {"revisions": [revision(1, box(5.0))]},
        {"tags": ["x" * 999, " ", "a"] * 99, "group": "g" * 999, "source": "s" * 999, "state": 7},
    ],
)
def test_nonsense_in_an_archive_of_ours_is_taken_as_far_as_it_makes_sense(brought, bad):
    dataset, _ = brought(row(0, **bad))
    image = dataset.images.get()
    assert image.is_labeled
    assert image.revision == max(Revision.objects.values_list("number", flat=True))
    assert Annotation.objects.count() == 1


def test_class_that_is_left_out_leaves_the_history_too(run_jobs, alice, dataset):
    from apps.annotations.services.imports import ImportOptions

    with run_jobs():
        start_import(
            alice,
            dataset,
            archive(row(0, revisions=[revision(1, box(0.5))])),
            options=ImportOptions(classes={"red": None}),
        )
    assert Revision.objects.get().annotations == []
    assert dataset.images.get().num_boxes == 0
