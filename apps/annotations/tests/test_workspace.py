import json
import re

import pytest

from apps.annotations.services.labels import save_labels
from apps.datasets import services as datasets
from conftest import box, upload


@pytest.fixture
def at(owner, dataset):
    def ask(**query):
        answer = owner.get(f"/api/v1/datasets/{dataset.pk}/workspace/position", query)
        assert answer.status_code == 200, answer.json()
        return answer.json()

    return ask


@pytest.fixture
def window(owner, dataset):
    def ask(**query):
        answer = owner.get(f"/api/v1/datasets/{dataset.pk}/workspace/window", query)
        assert answer.status_code == 200, answer.json()
        return [item["id"] for item in answer.json()["items"]]

    return ask


@pytest.fixture
def pks(images, dataset, alice):
    """Six images; the second and the fifth are labelled and in val."""
    for image in (images[1], images[4]):
        image.dataset = dataset
        save_labels(image, 0, [box(1)], alice)
        datasets.set_split(dataset, dataset.images.filter(pk=image.pk), "val")
    return [image.pk for image in images]


def test_position_of_an_image_counts_from_zero(at, pks):
    assert at(image=pks[2]) == {"count": 6, "position": 2, "id": pks[2]}
    assert at() == {"count": 6, "position": 0, "id": pks[0]}


def test_position_in_a_filtered_list(at, pks):
    assert at(image=pks[4], split="val") == {"count": 2, "position": 1, "id": pks[4]}
    assert at(labeled="false") == {"count": 4, "position": 0, "id": pks[0]}
    assert at(class_id=1, image=pks[1]) == {"count": 2, "position": 0, "id": pks[1]}


def test_image_outside_the_filter_leads_to_the_next_one_in_it(at, pks):
    assert at(image=pks[2], split="val")["id"] == pks[4]
    assert at(image=pks[5], split="val")["id"] == pks[4]


def test_image_at_a_position(at, pks):
    assert at(at=5) == {"count": 6, "position": 5, "id": pks[5]}
    assert at(at=1, split="val") == {"count": 2, "position": 1, "id": pks[4]}
    assert at(at=6) == {"count": 6, "position": None, "id": None}


def test_next_unlabelled_goes_on_and_wraps(at, pks):
    following = [at(next="unlabeled", after=pk)["id"] for pk in pks]
    assert following == [pks[2], pks[2], pks[3], pks[5], pks[5], pks[0]]
    assert at(next="unlabeled", after=pks[0], split="val")["id"] is None


def test_empty_list_has_no_position(at, pks):
    assert at(search="nothing is called so") == {"count": 0, "position": None, "id": None}


def test_window_holds_the_neighbours_in_order(window, pks):
    assert window(image=pks[2], before=1, after=2) == pks[1:5]
    assert window(image=pks[2], before=0, after=0) == [pks[2]]
    assert window(image=pks[2]) == pks
    assert window(image=pks[0], before=100000, after=100000) == pks


def test_window_holds_the_image_itself_even_outside_the_filter(window, pks):
    assert window(image=pks[2], split="val") == [pks[1], pks[2], pks[4]]


def test_window_never_shows_an_image_of_another_dataset(window, alice, pks):
    other = datasets.create_dataset(alice, "Other")
    (foreign,) = datasets.add_images(other, [upload()])["created"]
    assert window(image=foreign.pk, before=2) == pks[4:]


@pytest.mark.parametrize("value", ["-1", "1.5", "x", "", "1e3", "９" * 20, str(2**62), "9" * 5000, "\x00", "[]", "NaN"])
def test_bad_number_is_refused_and_named(owner, dataset, pks, value):
    base = f"/api/v1/datasets/{dataset.pk}/workspace"
    for path, name in (
        ("position", "at"),
        ("position", "image"),
        ("window", "image"),
        ("window", "before"),
        ("window", "after"),
    ):
        answer = owner.get(f"{base}/{path}", {name: value})
        assert answer.status_code == 400, (path, name)
        assert name in answer.json()


@pytest.mark.parametrize("query", [{"split": "all"}, {"class_id": "x"}, {"state": "new"}, {"search": "a\x00"}])
def test_bad_filter_is_refused_and_named(owner, dataset, pks, query):
    for path in ("position", "window"):
        answer = owner.get(f"/api/v1/datasets/{dataset.pk}/workspace/{path}", {"image": pks[0], **query})
        assert answer.status_code == 400
        assert set(answer.json()) == set(query)


@pytest.mark.parametrize("class_id", ["99999999999999999999", "-5"])
def test_class_that_cannot_be_matches_nothing(at, pks, class_id):
    assert at(class_id=class_id)["count"] == 0


def config_of(page):
    found = re.search(r'<script id="workspace-config"[^>]*>(.*?)</script>', page.content.decode(), re.S)
    return json.loads(found.group(1))


def test_page_tells_the_workspace_what_it_needs(page_as, alice, dataset, pks, settings):
    settings.CSRF_COOKIE_NAME = "csrftoken_8001"
    page = page_as(alice).get(f"/datasets/{dataset.pk}/label?image={pks[3]}&split=val&evil=1&search=")
    config = config_of(page)
    assert (config["image_id"], config["query"], config["can_edit"]) == (pks[3], "split=val", True)
    assert config["csrf_cookie"] == "csrftoken_8001"
    assert "csrftoken_8001" in page.cookies


def test_reader_gets_a_workspace_without_tools(page_as, bob, public, pks):
    page = page_as(bob).get(f"/datasets/{public.pk}/label")
    assert config_of(page)["can_edit"] is False
    assert "Draw a box" not in page.content.decode()


@pytest.mark.parametrize("image", ["x", "-1", "9" * 30, "²", "\x00"])
def test_page_takes_no_nonsense_for_an_image(page_as, alice, dataset, image):
    assert config_of(page_as(alice).get(f"/datasets/{dataset.pk}/label", {"image": image}))["image_id"] is None


def test_gallery_boxes_are_those_of_the_images_asked_for(page_as, alice, dataset, pks):
    url = f"/datasets/{dataset.pk}/gallery-boxes"
    body = page_as(alice).get(url, {"ids": f"{pks[0]},{pks[1]},x,{'9' * 18},{'9' * 50},\x00"}).json()
    assert body["boxes"][str(pks[0])] == []
    assert body["boxes"][str(pks[1])] == [[1, 0.5, 0.5, 0.2, 0.2, None]]
    assert len(body["colors"]) == 2


def test_gallery_boxes_never_tell_of_another_dataset(page_as, alice, bob, pks):
    mine = datasets.create_dataset(bob, "Mine")
    assert page_as(bob).get(f"/datasets/{mine.pk}/gallery-boxes", {"ids": str(pks[1])}).json()["boxes"] == {
        str(pks[1]): []
    }
