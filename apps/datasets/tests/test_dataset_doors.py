"""Datasets: made, changed, listed and deleted, on pages and over the API."""

import pytest

from apps.datasets import services
from apps.datasets.models import Dataset

API = "/api/v1/datasets"


def names(response):
    return [row["name"] for row in response.json()["results"]]


def test_create_over_the_api_answers_the_documented_fields(alice, api_as):
    response = api_as(alice).post(API, {"name": "Cells", "class_names": [" red ", "white"]})
    assert response.status_code == 201
    assert response.json().keys() == {
        "id", "name", "description", "task", "owner", "team", "class_names", "num_classes", "num_images", "num_labeled",
        "is_public", "created_at", "updated_at",
    }  # fmt: skip
    found = response.json()
    assert (found["owner"], found["class_names"], found["num_classes"]) == ("alice", ["red", "white"], 2)
    assert (found["is_public"], found["task"]) == (False, "detect")


def test_create_on_the_page_takes_classes_by_line_and_by_comma(alice, page_as):
    data = {"name": "Cells", "task": "detect", "class_names": "red, white\r\n\r\nblue  cell,"}
    response = page_as(alice).post("/datasets/new", data)
    dataset = Dataset.objects.get()
    assert response.headers["Location"] == f"/datasets/{dataset.pk}/"
    assert (dataset.owner, dataset.class_names) == (alice, ["red", "white", "blue cell"])


def test_owner_and_counts_cannot_be_chosen(alice, bob, api_as):
    data = {"name": "Mine", "owner": "bob", "owner_id": bob.pk, "num_images": 9, "is_sample": True, "id": 77}
    found = api_as(alice).post(API, data).json()
    row = Dataset.objects.get()
    assert (found["owner"], row.owner, row.num_images, row.is_sample) == ("alice", alice, 0, False)
    assert row.pk == found["id"] != 77


BAD = [
    ("name", ""), ("name", "x" * 121), ("name", "a\x00b"), ("task", "classify"), ("description", "x" * 5001),
    ("class_names", "red"), ("class_names", ["red", "RED"]), ("class_names", ["x" * 101]),
    ("class_names", ["a\u202eb"]),
    ("class_names", [str(n) for n in range(1001)]), ("class_names", [{"name": "red"}]), ("class_names", {"0": "red"}),
    ("is_public", "perhaps"), ("is_public", None), ("name", ["a"]), ("name", None),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_input_names_its_field(field, value, alice, api_as):
    response = api_as(alice).post(API, {"name": "Cells", field: value})
    assert (response.status_code, list(response.json())) == (400, [field])
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "a\x00b"), ("task", "classify"), ("class_names", "red, RED"), ("class_names", "x" * 101),
        ("class_names", ",".join(str(n) for n in range(1001))),
    ],
)  # fmt: skip
def test_bad_form_names_its_field(field, value, alice, page_as):
    data = {"name": "Cells", "task": "detect", "class_names": "", field: value}
    page = page_as(alice).post("/datasets/new", data)
    assert list(page.context["form"].errors) == [field]
    assert not Dataset.objects.exists()


def test_patch_changes_what_was_sent_and_nothing_else(dataset, api_as):
    response = api_as(dataset.owner).patch(f"{API}/{dataset.pk}", {"is_public": True})
    assert (response.status_code, response.json()["is_public"]) == (200, True)
    dataset.refresh_from_db()
    assert (dataset.name, dataset.is_public, dataset.class_names) == ("Cells", True, ["red", "white"])


@pytest.mark.parametrize("change", [{"class_names": ["white", "red"]}, {"task": "segment"}])
def test_patch_cannot_move_labels_to_other_classes_or_tasks(change, dataset, api_as):
    response = api_as(dataset.owner).patch(f"{API}/{dataset.pk}", change)
    assert (response.status_code, list(response.json())) == (400, list(change))


def test_put_is_not_offered(dataset, api_as):
    assert api_as(dataset.owner).put(f"{API}/{dataset.pk}", {"name": "x"}).status_code == 405


def test_settings_page_renames_and_publishes(dataset, page_as):
    path = f"/datasets/{dataset.pk}/settings"
    response = page_as(dataset.owner).post(path, {"name": "Blood", "description": "of mice", "is_public": "on"})
    assert response.headers["Location"] == path
    dataset.refresh_from_db()
    assert (dataset.name, dataset.description, dataset.is_public) == ("Blood", "of mice", True)


def test_settings_page_keeps_the_old_name_where_the_new_one_is_refused(dataset, page_as):
    page = page_as(dataset.owner).post(f"/datasets/{dataset.pk}/settings", {"name": "", "description": ""})
    assert "name" in page.context["form"].errors
    dataset.refresh_from_db()
    assert dataset.name == "Cells"


@pytest.mark.parametrize("door", ["page", "api"])
def test_delete_takes_the_dataset_away(door, dataset, page_as, api_as):
    if door == "page":
        response = page_as(dataset.owner).post(f"/datasets/{dataset.pk}/delete")
        assert response.headers["Location"] == "/datasets/"
    else:
        assert api_as(dataset.owner).delete(f"{API}/{dataset.pk}").status_code == 204
    assert not Dataset.objects.exists()


@pytest.fixture
def shelf(alice, bob):
    """Five datasets: two of alice's, one of them public, and three of bob's, one of them public."""
    for owner, name, public in [
        (alice, "Apples", False), (alice, "Pears", True),
        (bob, "Nuts", False), (bob, "Apple pie", True), (bob, "Oil", False),
    ]:  # fmt: skip
        services.create_dataset(owner, name, is_public=public)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"Apples", "Pears", "Apple pie"}),
        ("owner=me", {"Apples", "Pears"}),
        ("owner=bob", {"Apple pie"}),
        ("owner=nobody", set()),
        ("is_public=true", {"Pears", "Apple pie"}),
        ("is_public=false", {"Apples"}),
        ("search=apple", {"Apples", "Apple pie"}),
        ("search=apple&owner=me", {"Apples"}),
        ("search=%25", set()),
    ],
)
def test_list_is_narrowed_to_what_one_asks_for_and_may_see(query, found, shelf, alice, api_as, page_as):
    answer = api_as(alice).get(f"{API}?{query}")
    assert set(names(answer)) == found
    assert answer.json()["count"] == len(found)
    assert {dataset.name for dataset in page_as(alice).get(f"/datasets/?{query}").context["page"]} == found


def test_list_is_paged_and_a_page_has_at_most_500(alice, api_as):
    Dataset.objects.bulk_create(Dataset(owner=alice, name=str(n)) for n in range(501))
    first = api_as(alice).get(f"{API}?page_size=10000").json()
    assert (first["count"], len(first["results"]), first["previous"]) == (501, 500, None)
    second = api_as(alice).get(first["next"]).json()
    assert (len(second["results"]), second["next"]) == (1, None)
    assert api_as(alice).get(f"{API}?page=99").status_code == 404


def test_names_and_descriptions_are_shown_as_text(alice, page_as):
    markup = "<script>alert(1)</script>"
    dataset = services.create_dataset(alice, markup, description=markup, class_names=[markup])
    for path in ("/datasets/", "/datasets/recent", f"/datasets/{dataset.pk}/", f"/datasets/{dataset.pk}/settings"):
        page = page_as(alice).get(path).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert(1)" not in page


def test_fragments_are_parts_of_their_pages(dataset, page_as):
    whole = page_as(dataset.owner).get("/datasets/").content
    part = page_as(dataset.owner).get("/datasets/", HTTP_HX_REQUEST="true").content
    assert b"<html" in whole
    assert b"<html" not in part
    assert part.strip()
