"""Many labels changed at once, as the crop wall does, and taken back."""

import io

import pytest
from PIL import Image

from apps.annotations.models import Annotation, Revision
from apps.annotations.services.labels import save_labels
from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage
from conftest import box, upload


@pytest.fixture
def reds(ready_dataset, images, alice):
    """Ids of three red labels on the first image and one on the third."""
    row = DatasetImage.objects.get(pk=images[0].pk)
    row.dataset = ready_dataset
    save_labels(row, 1, [box(0, x=0.2), box(0, x=0.5), box(0, x=0.8)], alice)
    rows = Annotation.objects.filter(class_key=0, image__in=images[:3]).order_by("image", "pk")
    return list(rows.values_list("pk", flat=True))


@pytest.fixture
def bulk(owner, dataset):
    def call(ids, action, **more):
        body = {"ids": ids, "action": action, **more}
        return owner.post(f"/api/v1/datasets/{dataset.pk}/annotations/bulk", body, format="json")

    return call


@pytest.fixture
def undo(owner, dataset):
    def call(changes):
        address = f"/api/v1/datasets/{dataset.pk}/annotations/undo"
        return owner.post(address, {"changes": changes}, format="json")

    return call


def classes_of(image):
    keys = Annotation.objects.filter(image=image).order_by("pk").values_list("class_key", flat=True)
    return [["red", "white"][key] for key in keys]


def test_labels_on_several_images_get_another_class_as_one_revision_each(bulk, reds, images):
    answer = bulk([reds[0], reds[2], reds[3]], "class", class_id=1)
    assert answer.status_code == 200, answer.json()
    assert answer.json()["changes"] == [
        {"image": images[0].pk, "before": 2, "after": 3},
        {"image": images[2].pk, "before": 1, "after": 2},
    ]
    assert (classes_of(images[0]), classes_of(images[2])) == (["white", "red", "white"], ["white"])
    newest = Revision.objects.get(image=images[0], number=3)
    assert (newest.author.username, newest.changed, newest.added, newest.removed) == ("alice", 2, 0, 0)


def test_deleted_labels_are_gone_and_their_images_stay_labelled(bulk, reds, images, ready_dataset):
    assert bulk(reds[1:], "delete").status_code == 200
    assert (classes_of(images[0]), classes_of(images[2])) == (["red"], [])
    image = DatasetImage.objects.get(pk=images[2].pk)
    assert (image.num_boxes, image.is_labeled) == (0, True)
    ready_dataset.refresh_from_db()
    assert ready_dataset.num_labeled == 6


@pytest.mark.parametrize("change", [{"action": "delete"}, {"action": "class", "class_id": 1}])
def test_undo_brings_everything_back_as_a_new_revision(bulk, undo, reds, images, change):
    before = list(Annotation.objects.order_by("image", "x_center").values("image", "class_key", "x_center", "width"))
    changes = bulk(reds, **change).json()["changes"]
    assert undo(changes).json() == {"undone": 2, "left": 0}
    after = list(Annotation.objects.order_by("image", "x_center").values("image", "class_key", "x_center", "width"))
    assert after == before
    assert Revision.objects.filter(image=images[0]).latest("number").kind == "restore"
    assert undo(changes).json() == {"undone": 0, "left": 2}, "a second undo finds them changed"


def test_undo_leaves_alone_what_somebody_changed_since(bulk, undo, reds, images, bob):
    changes = bulk(reds, "class", class_id=1).json()["changes"]
    image = DatasetImage.objects.select_related("dataset").get(pk=images[0].pk)
    save_labels(image, image.revision, [box(1, x=0.4)], bob)
    assert undo(changes).json() == {"undone": 1, "left": 1}
    assert (classes_of(images[0]), classes_of(images[2])) == (["white"], ["red"])


def test_undo_leaves_alone_images_that_are_gone_or_of_another_dataset(bulk, undo, reds, images, alice):
    changes = bulk(reds, "delete").json()["changes"]
    other = datasets.create_dataset(alice, "Other", class_names=["red"])
    (strange,) = datasets.add_images(other, [upload("z.png", seed=99)])["created"]
    strange.dataset = other
    save_labels(strange, 0, [box()], alice)
    save_labels(strange, 1, [], alice)
    DatasetImage.objects.filter(pk=images[0].pk).delete()
    answer = undo([*changes, {"image": strange.pk, "before": 1, "after": 2}])
    assert answer.json() == {"undone": 1, "left": 2}
    assert Annotation.objects.filter(image=strange).count() == 0


def test_undo_works_where_no_revision_of_the_labels_was_kept(bulk, undo, reds, images):
    Revision.objects.all().delete()
    changes = bulk(reds, "delete").json()["changes"]
    assert undo(changes).json() == {"undone": 2, "left": 0}
    assert len(classes_of(images[0])) == 3


def test_labels_of_another_dataset_are_not_touched(bulk, reds, alice):
    other = datasets.create_dataset(alice, "Other", class_names=["red", "white"])
    (image,) = datasets.add_images(other, [upload("z.png", seed=99)])["created"]
    image.dataset = other
    _, (label,) = save_labels(image, 0, [box()], alice)
    assert bulk([label.pk], "delete").json() == {"changes": []}
    assert classes_of(image) == ["red"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ids": [], "action": "delete"}, "ids"),
        ({"ids": ["x"], "action": "delete"}, "ids"),
        ({"ids": [1] * 5001, "action": "delete"}, "ids"),
        ({"action": "delete"}, "ids"),
        ({"ids": [1], "action": "paint"}, "action"),
        ({"ids": [1], "action": "class"}, "class_id"),
        ({"ids": [1], "action": "class", "class_id": -1}, "class_id"),
    ],
)
def test_what_cannot_be_done_is_refused_by_field(owner, dataset, body, field):
    answer = owner.post(f"/api/v1/datasets/{dataset.pk}/annotations/bulk", body, format="json")
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


def test_a_class_that_is_none_changes_nothing_on_any_image(bulk, reds, images):
    answer = bulk(reds, "class", class_id=2)
    assert answer.status_code == 400
    assert "class_id 2 is not a class" in answer.json()["class_id"][0]
    assert (classes_of(images[0]), classes_of(images[2])) == (["red"] * 3, ["red"])
    assert not Revision.objects.filter(image=images[2], number=2).exists()


@pytest.mark.parametrize("change", [{}, {"image": 1, "before": -1, "after": 2}, {"image": 1, "before": 1}, "x"])
def test_undo_of_something_else_is_refused(undo, change):
    assert undo([change]).status_code == 400


def test_the_crops_of_a_class_are_paged_newest_first(owner, reds, dataset):
    address = f"/api/v1/datasets/{dataset.pk}/crops?class_id=0&page_size=3"
    first = owner.get(address).json()
    rest = owner.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + rest["results"]]
    assert len(first["results"]) == 3
    assert set(reds) <= set(ids)
    assert ids == sorted(ids, reverse=True)
    assert {row["class_name"] for row in first["results"]} == {"red"}
    assert owner.get(f"/api/v1/datasets/{dataset.pk}/crops?class_id=x").status_code == 400


def test_the_list_of_crops_makes_the_same_number_of_queries_for_one_and_for_fifty(
    owner, image, alice, django_assert_num_queries
):
    address = f"/api/v1/datasets/{image.dataset_id}/crops"
    for number, count in enumerate((1, 50)):
        save_labels(image, number, [box(x=0.2 + n / 100) for n in range(count)], alice)
        with django_assert_num_queries(2):
            assert len(owner.get(address).json()["results"]) == count


def test_a_crop_is_the_part_of_the_picture_with_a_margin(owner, dataset, alice):
    field = Image.new("RGB", (800, 400), "blue")
    field.paste("red", (400, 100, 500, 300))
    data = io.BytesIO()
    field.save(data, "PNG")
    (image,) = datasets.add_images(dataset, [upload("red.png", data=data.getvalue())])["created"]
    image.dataset = dataset
    _, (label,) = save_labels(image, 0, [box(0, x=0.5625, y=0.5, width=0.125, height=0.5)], alice)
    (row,) = owner.get(f"/api/v1/datasets/{dataset.pk}/crops").json()["results"]
    assert row["id"] == label.pk
    answer = owner.get(row["url"])
    crop = Image.open(io.BytesIO(answer.content))
    assert answer["Content-Type"] == "image/jpeg"
    assert crop.height == 160
    assert crop.width == pytest.approx(80, abs=2)
    red, blue = crop.getpixel((crop.width // 2, 80)), crop.getpixel((crop.width // 2, 4))
    assert red[0] > 200 > 60 > red[2]
    assert blue[2] > 200 > 60 > blue[0]


def test_the_address_of_a_crop_changes_with_the_box(owner, image, alice):
    _, (label,) = save_labels(image, 0, [box()], alice)
    address = f"/api/v1/datasets/{image.dataset_id}/crops"
    old = owner.get(address).json()["results"][0]["url"]
    save_labels(image, 1, [box(id=label.pk, x=0.4)], alice)
    assert owner.get(address).json()["results"][0]["url"] != old


def test_a_crop_whose_file_is_missing_is_not_found(owner, image, alice):
    _, (label,) = save_labels(image, 0, [box()], alice)
    image.file.storage.delete(image.file.name)
    assert owner.get(f"/api/v1/datasets/{image.dataset_id}/annotations/{label.pk}/crop").status_code == 404


def test_the_wall_hides_its_tools_from_a_reader(page_as, alice, bob, ready_dataset, public):
    address = f"/datasets/{public.pk}/crops?class_id=1"
    assert b"data-delete" in page_as(alice).get(address).content
    seen = page_as(bob).get(address).content
    assert b"data-delete" not in seen
    assert b'<option value="1" selected>white' in seen
