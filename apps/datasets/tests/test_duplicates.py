"""Duplicates: found by what pictures look like, in groups to keep one of; what differs in small things is none."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from apps.core.models import Job
from apps.datasets import services
from apps.datasets.models import DatasetImage
from apps.datasets.services.duplicates import NotThere, keep_one, look_for_duplicates
from conftest import upload


def scene(seed, size=(400, 300)):
    cells = np.random.default_rng(seed).integers(30, 220, (6, 8, 3), np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)


def encoded(picture, format="JPEG", **options):
    out = io.BytesIO()
    picture.save(out, format, **options)
    return out.getvalue()


def add(dataset, **pictures):
    """Upload pictures (Pillow images, or bytes) by name; returns their rows by name."""
    files = [
        upload(f"{name}.jpg", data if isinstance(data, bytes) else encoded(data, quality=90))
        for name, data in pictures.items()
    ]
    found = services.add_images(dataset, files)
    assert len(found["created"]) == len(pictures)
    return {row.filename[:-4]: row for row in found["created"]}


def told(dataset):
    """The groups of names that the report has."""
    names = dict(DatasetImage.all_objects.filter(dataset=dataset).values_list("pk", "filename"))
    groups = look_for_duplicates(dataset).data["groups"]
    return [[names[pk][:-4] for pk in group["images"]] for group in groups]


def dotted(picture, x=120, y=90):
    picture = picture.copy()
    ImageDraw.Draw(picture).ellipse((x, y, x + 12, y + 12), fill="black")
    return picture


@pytest.fixture
def pair(dataset):
    """Two images of one picture, and another one."""
    return add(dataset, large=scene(1), small=scene(1).resize((200, 150)), other=scene(2))


def test_copies_are_found_whatever_their_size_format_or_light(dataset):
    add(
        dataset, a=scene(1), b=encoded(scene(1), quality=40), c=encoded(scene(1), "PNG"), d=scene(1).resize((200, 150)),
        e=ImageEnhance.Brightness(scene(1)).enhance(1.1), other=scene(2),
    )  # fmt: skip
    (group,) = told(dataset)
    assert sorted(group) == ["a", "b", "c", "d", "e"]


def test_a_small_thing_that_came_makes_another_picture(dataset):
    add(dataset, empty=scene(1), with_a_thing=dotted(scene(1)), elsewhere=dotted(scene(1), 300, 200))
    assert told(dataset) == []


def test_pictures_of_one_flat_ground_are_no_duplicates(dataset):
    flat = Image.new("RGB", (400, 300), "#e8eaf0")
    add(dataset, **{f"p{n}": dotted(flat, 20 + 40 * n, 30 + 25 * n) for n in range(9)})
    assert told(dataset) == []


def test_where_thumbnails_are_missing_the_signatures_decide(dataset, pair):
    DatasetImage.objects.filter(dataset=dataset).update(thumbnail="gone.jpg")
    assert told(dataset) == [["large", "small"]]


def test_the_one_with_labels_stays_then_the_most_boxes_then_the_most_pixels(dataset, pair):
    assert told(dataset) == [["large", "small"]]
    DatasetImage.objects.filter(pk=pair["small"].pk).update(is_labeled=True)
    assert told(dataset) == [["small", "large"]]
    DatasetImage.objects.filter(pk=pair["large"].pk).update(is_labeled=True, num_boxes=3)
    assert told(dataset) == [["large", "small"]]


def test_missing_signatures_are_taken_first(dataset, pair):
    DatasetImage.objects.filter(dataset=dataset).update(signature=None, brightness=None)
    assert told(dataset) == [["large", "small"]]


def test_keeping_one_takes_the_others_away_and_keeps_the_report_current(dataset, alice, pair):
    report = look_for_duplicates(dataset)
    large, small = report.data["groups"][0]["images"]
    assert keep_one(dataset, alice, {large: (small, [large, small])}) == 1
    assert sorted(dataset.images.values_list("filename", flat=True)) == ["other.jpg", "small.jpg"]
    dataset.refresh_from_db()
    report = services.kept_report(dataset, "duplicates")
    assert (report.data["num_groups"], report.is_current, dataset.num_images) == (0, True, 2)


def test_only_what_was_shown_goes(dataset, alice):
    add(dataset, a=scene(1), b=encoded(scene(1), quality=40), c=encoded(scene(1), quality=60))
    one, other, third = look_for_duplicates(dataset).data["groups"][0]["images"]
    assert keep_one(dataset, alice, {one: (one, [one, other])}) == 1
    assert set(dataset.images.values_list("pk", flat=True)) == {one, third}
    assert services.kept_report(dataset, "duplicates").data["num_extra"] == 1


def test_what_is_no_duplicate_cannot_be_taken_away(dataset, alice, pair):
    large, small = look_for_duplicates(dataset).data["groups"][0]["images"]
    other = pair["other"].pk
    for choices in ({large: (other, [other, large])}, {other: (other, [other, large])}, {small: (small, [large])}):
        with pytest.raises(NotThere):
            keep_one(dataset, alice, choices)
    assert keep_one(dataset, alice, {large: (large, [large, other])}) == 0
    assert dataset.images.count() == 3


def test_the_page_shows_the_groups_and_keeps_one(dataset, pair, page_as, run_jobs):
    browser, path = page_as(dataset.owner), f"/datasets/{dataset.pk}/health/duplicates"
    assert b"Not looked yet" in browser.get(path).content
    with run_jobs():
        browser.post(f"{path}/look")
    page = browser.get(path).content.decode()
    large, small = pair["large"].pk, pair["small"].pk
    assert f'name="keep-{large}" value="{large}" checked' in page
    assert f'name="keep-{large}" value="{small}"' in page
    data = {"group": "all", "groups": [large], f"images-{large}": f"{large},{small}", f"keep-{large}": large}
    said = browser.post(f"{path}/keep", data, follow=True).content
    assert b"1 image moved to the trash" in said
    assert b"No duplicates" in said
    assert dataset.images.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"group": "x"}, {"group": ""}, {"group": "all", "groups": []}, {"keep": "x"}, {"keep": "9" * 30},
        {"images": "1,x"}, {"images": ""}, {"group": "٣"},
    ],
)  # fmt: skip
def test_a_choice_that_is_none_is_refused_with_words(change, dataset, pair, page_as):
    look_for_duplicates(dataset)
    first = str(pair["large"].pk)
    data = {"group": first, "groups": [first], "images": f"{first},{pair['small'].pk}", "keep": first, **change}
    data = {**data, f"images-{first}": data["images"], f"keep-{first}": data["keep"]}
    page = page_as(dataset.owner).post(f"/datasets/{dataset.pk}/health/duplicates/keep", data, follow=True)
    assert b'class="message error"' in page.content
    assert dataset.images.count() == 3


def test_the_api_tells_groups_by_page(dataset, pair, api_as, run_jobs):
    api, path = api_as(dataset.owner), f"/api/v1/datasets/{dataset.pk}/duplicates"
    assert api.get(path).json()["computed_at"] is None
    with run_jobs():
        assert api.post(path).status_code == 202
    found = api.get(path).json()
    assert (found["num_groups"], found["num_extra"], found["is_current"]) == (1, 1, True)
    assert found["groups"][0]["images"] == [pair["large"].pk, pair["small"].pk]


def test_a_page_of_many_groups_takes_as_many_queries_as_one_of_few(dataset, page_as, django_assert_max_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser, path = page_as(dataset.owner), f"/datasets/{dataset.pk}/health/duplicates"
    for number in range(1, 8):
        add(dataset, **{f"a{number}": scene(number), f"b{number}": encoded(scene(number), quality=40)})
        look_for_duplicates(dataset)
        if number == 1:
            with CaptureQueriesContext(connection) as few:
                browser.get(path)
    with django_assert_max_num_queries(len(few)):
        assert browser.get(path).content.count(b"Keep one, trash") == 7


DOORS = ["/datasets/{}/health/duplicates/look", "/datasets/{}/health/duplicates/keep", "/api/v1/datasets/{}/duplicates"]


@pytest.mark.parametrize("path", DOORS)
def test_outsiders_find_nothing_and_readers_take_nothing_away(path, dataset, pair, carol, bob, api_as, page_as):
    look_for_duplicates(dataset)
    client = api_as if "/api/" in path else page_as
    assert client(carol).post(path.format(dataset.pk)).status_code == 404
    services.update_dataset(dataset, is_public=True)
    assert client(bob).post(path.format(dataset.pk)).status_code == 403
    assert dataset.images.count() == 3
    assert not Job.objects.exists()


def test_a_reader_sees_the_groups_without_buttons(dataset, pair, bob, carol, page_as):
    look_for_duplicates(dataset)
    path = f"/datasets/{dataset.pk}/health/duplicates"
    assert page_as(carol).get(path).status_code == 404
    services.update_dataset(dataset, is_public=True)
    page = page_as(bob).get(path).content.decode()
    assert "small.jpg" in page
    assert "trash the others" not in page
    assert 'type="radio"' not in page
