"""The gallery's list: filters, orders, windows by position, tags, images alike, and what a bulk change refuses."""

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from apps.datasets import services
from apps.datasets.listing import ImageList
from apps.datasets.models import DatasetImage, Tag
from conftest import box, upload


@pytest.fixture
def label(dataset, api_as):
    """`label(image, boxes)`: save labels over the API, which belongs to a floor above."""

    def save(image, boxes):
        address = f"/api/v1/datasets/{dataset.pk}/images/{image.pk}/annotations"
        assert api_as(dataset.owner).put(address, {"revision": 0, "annotations": boxes}).status_code == 200

    return save


@pytest.fixture
def mixed(dataset, label):
    """Five images: sizes, numbers of boxes, sources, groups, tags and signatures that differ."""
    sizes = [(64, 48), (120, 90), (48, 100), (200, 30), (80, 80)]
    files = [upload(f"{'bdace'[n]}.png", seed=n, width=w, height=h) for n, (w, h) in enumerate(sizes)]
    rows = services.add_images(dataset, files)["created"]
    for n, row in enumerate(rows):
        if n:
            label(row, [box(k % 2, x=0.2 + k / 10) for k in range(n)])
        signature = bytes([2**n - 1] + [0] * 15)
        DatasetImage.objects.filter(pk=row.pk).update(signature=signature, group="odd" if n % 2 else "")
    DatasetImage.objects.filter(pk=rows[4].pk).update(source="drive.zip")
    services.tag_images(dataset, dataset.images.filter(pk__in=[rows[1].pk, rows[2].pk]), ["night", "Blurred"])
    dataset.refresh_from_db()
    return rows


@pytest.fixture
def names(dataset, mixed, api_as):
    """`names(query)`: file names without their ending, in the answered order."""

    def ask(query):
        rows = api_as(dataset.owner).get(f"/api/v1/datasets/{dataset.pk}/images?{query}").json()["results"]
        return "".join(row["filename"][0] for row in rows)

    return ask


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("boxes_min=2", "ace"), ("boxes_max=1", "bd"), ("boxes_min=1&boxes_max=2", "da"), ("boxes_min=0", "bdace"),
        ("size_min=80", "de"), ("size_max=48", "bac"), ("size_min=48&size_max=80", "bae"), ("source=upload", "bdac"),
        ("source=drive.zip", "e"), ("source=drive", ""), ("group=odd", "dc"), ("tag=night", "da"),
        ("tag=Blurred", "da"),
        ("tag=day", ""), ("tag=night&boxes_min=2", "a"), ("class_id=1", "ace"), ("state=unlabelled", "b"),
        ("sort=oldest", "bdace"), ("sort=newest", "ecadb"), ("sort=name", "abcde"), ("sort=most_boxes", "ecadb"),
        ("sort=fewest_boxes", "bdace"), ("sort=largest", "decab"), ("sort=smallest", "baced"),
        ("sort=name&group=odd", "cd"), ("page_size=2&page=2&sort=name", "cd"),
    ],
)  # fmt: skip
def test_filters_and_orders(query, found, names):
    assert names(query) == found


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("boxes_min=-1", "boxes_min"), ("boxes_max=many", "boxes_max"), (f"size_min={10**30}", "size_min"),
        ("size_max=1.5", "size_max"), ("sort=random", "sort"), ("similar=x", "similar"), ("similar=999999", "similar"),
        (f"similar={10**30}", "similar"), ("source=%00", "source"), ("sort=name&cursor=", "cursor"),
    ],
)  # fmt: skip
def test_list_that_means_nothing_answers_400_with_its_field(query, field, dataset, mixed, api_as, page_as):
    answer = api_as(dataset.owner).get(f"/api/v1/datasets/{dataset.pk}/images?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    if field != "cursor":
        browser = page_as(dataset.owner)
        assert browser.get(f"/datasets/{dataset.pk}/tiles?{query}").status_code == 400
        assert browser.get(f"/datasets/{dataset.pk}/?{query}").status_code == 200


def test_images_alike_are_nearest_first_and_narrowed_by_the_filter(names, mixed):
    assert names(f"similar={mixed[0].pk}") == "bdace"
    assert names(f"similar={mixed[4].pk}") == "ecadb"
    assert names(f"similar={mixed[4].pk}&group=odd") == "ecd"
    assert names(f"similar={mixed[4].pk}&page_size=2&page=2") == "ad"
    DatasetImage.objects.filter(pk=mixed[2].pk).update(signature=None)
    assert names(f"similar={mixed[0].pk}") == "bdce"
    assert names(f"similar={mixed[2].pk}") == "a"


def test_image_of_another_dataset_is_not_one_to_be_like(dataset, mixed, bob, api_as):
    mine = services.create_dataset(bob, "Mine")
    answer = api_as(bob).get(f"/api/v1/datasets/{mine.pk}/images?similar={mixed[0].pk}")
    assert answer.status_code == 400


@pytest.mark.parametrize("query", ["", "sort=name", "split=none&sort=most_boxes", "similar={i}"])
def test_windows_put_together_are_the_whole_list(query, dataset, mixed, page_as):
    browser, query = page_as(dataset.owner), query.format(i=mixed[1].pk)
    whole = browser.get(f"/datasets/{dataset.pk}/tiles?{query}&from=0&size=9&count=1").json()
    parts = [browser.get(f"/datasets/{dataset.pk}/tiles?{query}&from={n}&size=2").json()["items"] for n in (0, 2, 4, 6)]
    assert whole["count"] == len(whole["items"]) == 5
    assert [tile["id"] for part in parts for tile in part] == [tile["id"] for tile in whole["items"]]
    ids = browser.get(f"/datasets/{dataset.pk}/tiles/ids?{query}&from=1&size=3").json()["ids"]
    assert ids == [tile["id"] for tile in whole["items"]][1:4]


@pytest.mark.parametrize("query", ["from=-1", "from=x", "size=" + "9" * 30, "from=1.5", "from=²"])
def test_window_at_no_position_answers_400(query, dataset, mixed, page_as):
    for path in ("tiles", "tiles/ids"):
        assert page_as(dataset.owner).get(f"/datasets/{dataset.pk}/{path}?{query}").status_code == 400


def test_window_beyond_the_end_is_empty(dataset, mixed, page_as):
    assert page_as(dataset.owner).get(f"/datasets/{dataset.pk}/tiles?from=999999").json()["items"] == []


def test_tile_says_what_it_shows(dataset, mixed, page_as):
    tile = page_as(dataset.owner).get(f"/datasets/{dataset.pk}/tiles?tag=night").json()["items"][1]
    assert tile == {
        "id": mixed[2].pk, "name": "a.png", "width": 48, "height": 100, "state": "labelled", "boxes": 2, "split": "",
        "tags": ["Blurred", "night"],
    }  # fmt: skip


def test_page_opens_at_a_position(dataset, page_as):
    rows = (
        DatasetImage(dataset=dataset, filename=f"{n}.png", sha256=str(n), num_bytes=1, width=1, height=1)
        for n in range(150)
    )
    DatasetImage.objects.bulk_create(rows)
    services.refresh_counts(dataset)
    browser, address = page_as(dataset.owner), f"/datasets/{dataset.pk}/"
    for query, first in (("at=70", 60), ("at=0", 0), ("page=3", 120), ("at=99999", 120), ("at=x", 0), ("page=0", 0)):
        config = browser.get(f"{address}?{query}").context["config"]
        assert (config["from"], config["count"]) == (first, 150), query
        assert config["items"][0]["name"] == f"{first}.png"


def test_window_costs_the_same_number_of_queries_for_one_tile_and_for_fifty(dataset, page_as):
    counts = []
    for number in (1, 49):
        made = DatasetImage.objects.bulk_create(
            DatasetImage(dataset=dataset, filename="a", sha256=f"{number} {n}", num_bytes=1, width=1, height=1)
            for n in range(number)
        )
        services.refresh_counts(dataset)
        services.tag_images(dataset, dataset.images.filter(pk__in=[row.pk for row in made]), ["a", "b"])
        browser = page_as(dataset.owner)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            for path in ("", "tiles", "tiles?search=a&count=1", "tiles/ids?size=50", "facts", "filter-choices"):
                assert browser.get(f"/datasets/{dataset.pk}/{path}").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_choices_name_sources_and_groups_with_their_counts(dataset, mixed, page_as):
    page = page_as(dataset.owner).get(f"/datasets/{dataset.pk}/filter-choices?group=odd").content.decode()
    assert "upload (4)" in page
    assert "drive.zip (1)" in page
    assert '<option value="odd" selected>odd (2)</option>' in page


def test_workspace_keeps_the_gallerys_filter(dataset, mixed, page_as):
    page = page_as(dataset.owner).get(
        f"/datasets/{dataset.pk}/label?image={mixed[1].pk}&boxes_min=1&tag=night&sort=name"
    )
    assert page.context["config"]["query"] == "boxes_min=1&tag=night"


def test_tags_are_the_same_word_however_it_is_written_and_go_with_their_last_image(dataset, mixed):
    images = dataset.images
    assert services.tag_images(dataset, images.filter(pk=mixed[0].pk), ["  NIGHT ", "new  one"]) == 1
    assert images.get(pk=mixed[0].pk).tag_names == ["new one", "night"]
    assert services.untag_images(dataset, images.all(), ["Night", "unknown"]) == 3
    assert set(Tag.objects.values_list("name", flat=True)) == {"Blurred", "new one"}
    assert services.tag_images(dataset, images.all(), ["Blurred"]) == 5
    assert images.get(pk=mixed[1].pk).tag_names == ["Blurred"]


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "a,b", "a\x07b", "a\u202eb"])
def test_word_that_cannot_be_a_tag_is_refused(name, dataset, mixed, api_as):
    with pytest.raises(services.BadTag):
        services.tag_images(dataset, dataset.images.all(), [name])
    answer = api_as(dataset.owner).post(
        f"/api/v1/datasets/{dataset.pk}/images/bulk", {"filter": {}, "action": "tag", "tags": [name]}
    )
    assert (answer.status_code, list(answer.json())) == (400, ["tags"])


def test_image_is_changed_over_the_api(dataset, mixed, api_as):
    address = f"/api/v1/datasets/{dataset.pk}/images/{mixed[1].pk}"
    change = {"split": "val", "tags": ["day", "Night"], "group": "camera 1"}
    found = api_as(dataset.owner).patch(address, change).json()
    assert (found["split"], found["tags"], found["group"], found["source"]) == (
        "val", ["day", "night"], "camera 1", "upload",
    )  # fmt: skip
    assert api_as(dataset.owner).patch(address, {"tags": [], "group": ""}).json()["tags"] == []
    for wrong in ({}, {"tag": ["a"]}, {"tags": "a"}, {"tags": [None]}, {"group": "x" * 201}, {"source": "x"}):
        assert api_as(dataset.owner).patch(address, wrong).status_code == 400, wrong


@pytest.fixture
def bulk(dataset, mixed, api_as):
    return lambda **data: api_as(dataset.owner).post(f"/api/v1/datasets/{dataset.pk}/images/bulk", data)


def test_bulk_tags_and_groups_all_that_match_but_some(dataset, mixed, bulk):
    assert bulk(filter={"boxes_min": "1"}, except_ids=[mixed[4].pk], action="tag", tags=["x", "y"]).json()["count"] == 3
    assert bulk(filter={}, action="untag", tags=["y"]).json()["count"] == 3
    assert bulk(filter={"tag": "x"}, action="group", group="g").json()["count"] == 3
    assert "".join(dataset.images.filter(group="g").values_list("filename", flat=True)) == "d.pnga.pngc.png"


def test_bulk_is_refused_where_another_number_matches_than_was_seen(dataset, mixed, bulk):
    answer = bulk(filter={}, action="delete", expect=4)
    assert (answer.status_code, dataset.images.count()) == (409, 5)
    assert "5 images match now" in answer.json()["detail"]
    assert bulk(filter={}, action="delete", expect=5).json()["count"] == 5


@pytest.mark.parametrize(
    "data",
    [
        {"ids": [1], "action": "delete", "fliter": {}}, {"ids": [1], "action": "delete", "split": "val"},
        {"ids": [1], "action": "tag"}, {"ids": [1], "action": "tag", "tags": []}, {"ids": [1], "action": "group"},
        {"ids": [1], "except_ids": [2], "action": "delete"}, {"filter": {"sort": "name"}, "action": "delete"},
        {"filter": {"similar": "1"}, "action": "delete"}, {"filter": {}, "action": "delete", "expect": -1},
        {"filter": {}, "action": "group", "group": None},
    ],
)  # fmt: skip
def test_bulk_call_with_a_stray_key_changes_nothing(data, dataset, mixed, bulk):
    assert bulk(**data).status_code == 400
    assert dataset.images.count() == 5


def test_undo_over_the_api_is_its_persons_alone(dataset, mixed, bulk, api_as, operator):
    token = bulk(filter={"group": "odd"}, action="delete").json()["undo"]
    address = f"/api/v1/datasets/{dataset.pk}/images/undo"
    assert api_as(operator).post(address, {"undo": token}).status_code == 404
    assert api_as(dataset.owner).post(address, {"undo": token}).json() == {"count": 2, "refused": []}
    assert api_as(dataset.owner).post(address, {"undo": token}).status_code == 404
    for wrong in ({}, {"undo": "x"}, {"undo": -1}, {"undo": 10**30}, {"undo": token, "more": 1}):
        assert api_as(dataset.owner).post(address, wrong).status_code == 400


def test_boxes_on_a_thumbnail_are_at_most_200(dataset, mixed, label, page_as):
    label(mixed[0], [box(k % 2, x=0.2 + k / 1000) for k in range(230)])
    ids = f"{mixed[0].pk},{mixed[2].pk}"
    boxes = page_as(dataset.owner).get(f"/datasets/{dataset.pk}/gallery-boxes?ids={ids}").json()["boxes"]
    assert [len(boxes[str(image.pk)]) for image in (mixed[0], mixed[2])] == [200, 2]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="how SQLite chooses among its indexes")
@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("source=upload", "present_images"), ("size_min=5", "present_images"), ("class_id=0", "present_images"),
        ("labeled=true", "present_by_labelled"), ("split=val", "present_by_split"), ("boxes_min=3", "present_by_boxes"),
    ],
)  # fmt: skip
def test_a_scan_goes_by_id_and_a_filter_by_its_index(query, index, dataset, mixed):
    """Rows in the order of another index are read from all over the file: five times as long for 100,000."""
    images = ImageList(dataset, QueryDict(query)).images
    with CaptureQueriesContext(connection) as queries:
        images.count()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
        plan = " ".join(row[-1] for row in cursor.fetchall())
    assert index in plan


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        ("oldest", "present_images"), ("newest", "present_images"), ("name", "present_by_name"),
        ("most_boxes", "present_by_boxes"), ("fewest_boxes", "present_by_boxes"), ("largest", "present_by_size"),
        ("smallest", "present_by_size"),
    ],
)  # fmt: skip
def test_every_order_comes_out_of_an_index_without_sorting(sort, index, dataset, mixed):
    plan = ImageList(dataset, {"sort": sort}).images.values_list("pk", flat=True)[2:4].explain()
    assert index in plan or connection.vendor != "sqlite"
    assert "TEMP B-TREE" not in plan
