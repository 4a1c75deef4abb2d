"""The images of a dataset: filters and paging, on the page and over the API."""

import base64
from urllib.parse import quote

import pytest

from apps.datasets import services
from apps.datasets.models import DatasetImage
from conftest import upload


@pytest.fixture
def find(ready_dataset, api_as, page_as):
    """`find(query)`: numbers of the matching images, from the API after the page has given the same."""
    numbers = {image.pk: n for n, image in enumerate(ready_dataset.images.all())}

    def ask(query):
        owner = ready_dataset.owner
        rows = api_as(owner).get(f"/api/v1/datasets/{ready_dataset.pk}/images?{query}").json()["results"]
        page = page_as(owner).get(f"/datasets/{ready_dataset.pk}/?{query}").context["tiles"]
        tiles = page_as(owner).get(f"/datasets/{ready_dataset.pk}/tiles?{query}&count=1").json()
        found = [numbers[row["id"]] for row in rows]
        assert found == [numbers[tile["id"]] for tile in page] == [numbers[tile["id"]] for tile in tiles["items"]]
        assert tiles["count"] == len(found)
        return found

    # Of six images, 0 to 3 are in train and 4, 5 in val; then 5 loses its split, and 1 its labels.
    ready_dataset.images.filter(filename="5.png").update(split="")
    bare = ready_dataset.images.get(filename="1.png")
    bare.annotations.all().delete()
    DatasetImage.objects.filter(pk=bare.pk).update(is_labeled=False)
    return ask


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [0, 1, 2, 3, 4, 5]), ("split=", [0, 1, 2, 3, 4, 5]), ("labeled=", [0, 1, 2, 3, 4, 5]),
        ("split=train", [0, 1, 2, 3]), ("split=val", [4]), ("split=test", []), ("split=none", [5]),
        ("labeled=true", [0, 2, 3, 4, 5]), ("labeled=false", [1]), ("labeled=False", [1]),
        ("class_id=0", [0, 2, 4]), ("class_id=1", [3, 5]), ("class_id=7", []),
        ("search=3.PNG", [3]), ("search=_", []), ("search=png", [0, 1, 2, 3, 4, 5]),
        ("split=train&labeled=true&class_id=0", [0, 2]),
    ],
)  # fmt: skip
def test_filters_narrow_the_page_and_the_api_alike(query, found, find):
    assert find(query) == found


def test_image_with_many_boxes_of_a_class_is_found_once(ready_dataset, api_as):
    image = ready_dataset.images.first()
    old = image.annotations.get()
    for _ in range(3):
        old.pk = None
        old.save()
    found = api_as(ready_dataset.owner).get(f"/api/v1/datasets/{ready_dataset.pk}/images?class_id=0").json()
    assert found["count"] == 3


@pytest.mark.parametrize("query", ["split=valid", "labeled=perhaps", "class_id=red", "class_id=1.5", "class_id=nan"])
def test_filter_that_means_nothing_answers_400_with_its_field(query, dataset, api_as):
    response = api_as(dataset.owner).get(f"/api/v1/datasets/{dataset.pk}/images?{query}")
    assert (response.status_code, list(response.json())) == (400, [query.split("=")[0]])


def test_filter_that_means_nothing_leaves_the_page_standing(dataset, images, page_as):
    for query in ("split=valid", "labeled=perhaps", "class_id=red", "page=x"):
        assert page_as(dataset.owner).get(f"/datasets/{dataset.pk}/?{query}").status_code == 200


def test_cursor_pages_show_every_image_once(dataset, images, api_as):
    url, seen = f"/api/v1/datasets/{dataset.pk}/images?cursor=&page_size=4", []
    while url:
        page = api_as(dataset.owner).get(url).json()
        seen += [row["id"] for row in page["results"]]
        url = page["next"]
    assert seen == [image.pk for image in images]


def test_cursor_stays_right_while_images_go(dataset, images, api_as):
    first = api_as(dataset.owner).get(f"/api/v1/datasets/{dataset.pk}/images?cursor=&page_size=3").json()
    images[0].delete()
    second = api_as(dataset.owner).get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == [image.pk for image in images[3:]]


@pytest.mark.parametrize(
    "position", [b"p=abc", b"p=" + b"9" * 30, b"p=", b"o=x", b"o=-5", b"o=" + b"9" * 30, b"\xff", b"p=%00"]
)
def test_forged_cursor_is_answered_and_never_500(position, dataset, images, api_as):
    cursor = quote(base64.b64encode(position).decode())
    for value in (cursor, position.decode(errors="replace"), "x"):
        response = api_as(dataset.owner).get(f"/api/v1/datasets/{dataset.pk}/images?cursor={value}")
        assert response.status_code in (200, 404)


def test_forged_cursor_shows_nothing_of_another_dataset(dataset, images, bob, api_as):
    cursor = quote(base64.b64encode(b"p=0").decode())
    assert api_as(bob).get(f"/api/v1/datasets/{dataset.pk}/images?cursor={cursor}").status_code == 404


def test_page_is_capped_at_500(dataset, api_as):
    rows = (
        DatasetImage(dataset=dataset, filename=f"{n}.png", sha256=str(n), num_bytes=1, width=1, height=1)
        for n in range(501)
    )
    DatasetImage.objects.bulk_create(rows)
    services.refresh_counts(dataset)
    for query in ("page_size=501", "page_size=501&cursor="):
        page = api_as(dataset.owner).get(f"/api/v1/datasets/{dataset.pk}/images?{query}").json()
        assert len(page["results"]) == 500


def test_markup_in_file_names_is_shown_as_text(dataset, page_as, api_as):
    image = services.add_images(dataset, [upload('"><img src=x onerror=alert(1)>.png')])["created"][0]
    page = page_as(dataset.owner).get(f"/datasets/{dataset.pk}/?search=<script>alert(2)</script>").content.decode()
    page += page_as(dataset.owner).get(f"/datasets/{dataset.pk}/").content.decode()
    page += (
        page_as(dataset.owner).post(f"/datasets/{dataset.pk}/images/{image.pk}/delete", follow=True).content.decode()
    )
    assert "<img src=x" not in page
    assert "<script>alert(2)" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 3
