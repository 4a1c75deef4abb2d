import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.annotations.services.labels import save_labels
from apps.datasets import services as datasets
from conftest import box, upload

MARKUP = "<script>alert('x')</script> & Co"


@pytest.fixture
def classes(dataset):
    return f"/api/v1/datasets/{dataset.pk}/classes"


def names(answer):
    return [c["name"] for c in answer.json()["classes"]]


def test_list_shows_id_name_and_colour(owner, classes):
    first, second = owner.get(classes).json()["classes"]
    assert (first["id"], first["name"], second["id"], second["name"]) == (0, "red", 1, "white")
    assert first["color"].startswith("#")
    assert first["color"] != second["color"]


def test_new_class_goes_to_the_end(owner, classes, dataset):
    answer = owner.post(classes, {"name": "  blue   cell "})
    assert answer.status_code == 201
    assert names(answer) == ["red", "white", "blue cell"]
    dataset.refresh_from_db()
    assert dataset.num_classes == 3


def test_renamed_class_keeps_its_id_and_renames_its_labels_only(owner, classes, image, alice):
    save_labels(image, 0, [box(0), box(1), box(1, x=0.2)], alice)
    answer = owner.patch(f"{classes}/1", {"name": "leukocyte"})
    assert answer.status_code == 200
    assert names(answer) == ["red", "leukocyte"]
    labels = owner.get(f"/api/v1/datasets/{image.dataset_id}/images/{image.pk}/annotations").json()["annotations"]
    shown = [(label["class_id"], label["class_name"]) for label in labels]
    assert shown == [(0, "red"), (1, "leukocyte"), (1, "leukocyte")]


def test_labels_of_another_dataset_keep_their_class_names(owner, classes, alice, image):
    other = datasets.create_dataset(alice, "Other", class_names=["red"])
    (foreign,) = datasets.add_images(other, [upload()])["created"]
    foreign.dataset = other
    save_labels(foreign, 0, [box()], alice)
    owner.patch(f"{classes}/0", {"name": "erythrocyte"})
    labels = owner.get(f"/api/v1/datasets/{other.pk}/images/{foreign.pk}/annotations").json()["annotations"]
    assert [label["class_name"] for label in labels] == ["red"]


@pytest.mark.parametrize(
    "name", ["red", "RED", " Red ", "", "   ", "x" * 101, "a\nb\x07", "a\x00b", None, [], {}, True]
)
def test_bad_name_is_refused_with_the_reason(owner, classes, name):
    assert owner.post(classes, {"name": name}).json().keys() == {"name"}
    assert owner.post(classes, {"name": name}).status_code == 400
    assert owner.patch(f"{classes}/1", {"name": name}).status_code == 400
    assert names(owner.get(classes)) == ["red", "white"]


def test_class_may_change_the_case_of_its_own_name(owner, classes):
    assert names(owner.patch(f"{classes}/0", {"name": "RED"})) == ["RED", "white"]


def test_unknown_class_is_not_found(owner, classes):
    assert owner.patch(f"{classes}/2", {"name": "blue"}).status_code == 404


@pytest.mark.parametrize("body", [[], 7, "name", None])
def test_body_that_is_no_object_is_refused(owner, classes, body):
    assert owner.post(classes, body).status_code == 400


def test_page_adds_renames_and_counts(page_as, alice, dataset, images):
    for image in images[:2]:
        image.dataset = dataset
        save_labels(image, 0, [box(0), box(0, x=0.3)], alice)
    browser, url = page_as(alice), f"/datasets/{dataset.pk}/classes"
    browser.post(url, {"name": "blue"})
    browser.post(f"{url}/1/edit", {"name": "pale"})
    page = browser.get(url).content.decode()
    assert 'value="blue"' in page
    assert 'value="pale"' in page
    assert "4 boxes</a>" in page
    assert "2 images</a>" in page


@pytest.mark.parametrize("name", ["red", "", "a\x00b", "x" * 200])
def test_page_refuses_a_bad_name_and_says_why(page_as, alice, dataset, name):
    browser, url = page_as(alice), f"/datasets/{dataset.pk}/classes"
    answer = browser.post(url, {"name": name})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    answer = browser.post(f"{url}/1/edit", {"name": name}, follow=True)
    assert "Renamed" not in answer.content.decode()
    dataset.refresh_from_db()
    assert dataset.class_names == ["red", "white"]


def test_markup_in_a_class_is_text_on_every_page(page_as, owner, alice, classes, ready_dataset):
    ready_dataset.name = MARKUP
    ready_dataset.save()
    assert owner.patch(f"{classes}/0", {"name": MARKUP}).status_code == 200
    for page in ("", "classes", "label", "transfer", "versions"):
        text = page_as(alice).get(f"/datasets/{ready_dataset.pk}/{page}").content.decode()
        assert "alert(" in text
        assert "<script>alert(" not in text


def test_pages_make_the_same_number_of_queries_for_one_class_and_for_50(page_as, owner, alice, dataset, classes, image):
    browser, url = page_as(alice), f"/datasets/{dataset.pk}/classes"

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(url).status_code == 200
            assert owner.get(classes).status_code == 200
        return len(queries)

    save_labels(image, 0, [box(0)], alice)
    few = cost()
    for number in range(48):
        datasets.add_class(dataset, f"class {number}")
    image.refresh_from_db()
    image.dataset = dataset
    save_labels(image, 1, [box(number) for number in range(50)], alice)
    assert cost() == few
