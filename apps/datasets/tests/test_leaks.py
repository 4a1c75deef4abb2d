"""Leaks: found, told with their pairs, mended, taken back."""

from collections import Counter

import pytest

from apps.core.models import Job
from apps.datasets import services
from apps.datasets.models import DatasetImage
from apps.datasets.services.leaks import look_for_leaks, start_look, start_mend
from apps.datasets.services.moves import last_moves, start_undo
from apps.datasets.tests.test_split_jobs import fill, frames, split_of


def put(dataset, split, *names):
    services.set_split(dataset, dataset.images.filter(sha256__in=names), split)


@pytest.fixture
def leaking(dataset):
    """Ten single images in each of train and val, and a video of five frames: four in train, one in val."""
    fill(dataset, *(f"t{n}" for n in range(10)), split="train")
    fill(dataset, *(f"v{n}" for n in range(10)), split="val")
    video = frames("a", 5)
    fill(dataset, *video[:4], split="train")
    fill(dataset, video[4], split="val")
    return dataset


def mend(dataset, run_jobs):
    with run_jobs():
        job = start_mend(dataset.owner, dataset)
    job.refresh_from_db()
    assert job.status == "completed", job.traceback
    return job


def test_a_leak_is_told_with_its_sides_and_pairs_across(leaking):
    data = look_for_leaks(leaking).data
    assert (data["num_groups"], data["num_images"], data["kinds"]) == (1, 5, {"video": 1})
    (leak,) = data["groups"]
    pks = dict(leaking.images.values_list("sha256", "pk"))
    video = [pks[name] for name in frames("a", 5)]
    assert leak["images"] == {"train": video[:4], "val": video[4:]}
    assert leak["pairs"] == [[video[3], video[4], "video"]]


def test_images_without_a_split_leak_nothing(dataset):
    fill(dataset, *frames("a", 3), split="train")
    fill(dataset, *frames("b", 3))
    rows = fill(dataset, "a_frame_9.jpg")
    assert look_for_leaks(dataset).data["num_groups"] == 0
    services.set_split(dataset, dataset.images.filter(pk=rows[0].pk), "test")
    assert look_for_leaks(dataset).data["num_groups"] == 1


def test_images_in_the_trash_leak_nothing(leaking):
    DatasetImage.objects.filter(filename=frames("a", 5)[4]).update(deleted_at="2024-01-01T00:00:00Z")
    assert look_for_leaks(leaking).data["num_groups"] == 0


def test_mending_moves_a_group_to_where_most_of_it_is(leaking, run_jobs):
    before = split_of(leaking)
    job = mend(leaking, run_jobs)
    assert split_of(leaking) == {**before, "a_frame_0004.jpg": "train"}
    assert (job.result["moved"], job.result["way"]) == (1, "majority")
    leaking.refresh_from_db()
    report = services.kept_report(leaking, "leaks")
    assert (report.data["num_groups"], report.is_current) == (0, True)


def test_a_tie_goes_to_train(dataset, run_jobs):
    fill(dataset, *(f"v{n}" for n in range(20)), split="val")
    fill(dataset, "t1", split="train")
    video = frames("a", 4)
    fill(dataset, *video[:2], split="val")
    fill(dataset, *video[2:], split="train")
    mend(dataset, run_jobs)
    assert {split for name, split in split_of(dataset).items() if name.startswith("a_")} == {"train"}


def test_where_a_split_would_be_emptied_the_groups_are_shared_out(dataset, run_jobs):
    for video in range(20):  # frame by frame: each video is mostly in train
        names = frames(f"video{video}", 10)
        fill(dataset, *names[:7], split="train")
        fill(dataset, *names[7:9], split="val")
        fill(dataset, names[9], split="test")
    job = mend(dataset, run_jobs)
    assert job.result["way"] == "shares"
    assert Counter(split_of(dataset).values()) == {"train": 140, "val": 40, "test": 20}
    assert look_for_leaks(dataset).data["num_groups"] == 0


def test_mending_can_be_taken_back(leaking, run_jobs):
    before = split_of(leaking)
    mend(leaking, run_jobs)
    with run_jobs():
        start_undo(leaking.owner, leaking, last_moves(leaking))
    assert split_of(leaking) == before
    leaking.refresh_from_db()
    assert not services.kept_report(leaking, "leaks").is_current


def test_mending_twice_moves_nothing_more(leaking, run_jobs):
    mend(leaking, run_jobs)
    assert mend(leaking, run_jobs).result["moved"] == 0


def test_the_api_tells_and_mends_leaks(leaking, api_as, run_jobs):
    api, path = api_as(leaking.owner), f"/api/v1/datasets/{leaking.pk}/leaks"
    nothing = api.get(path).json()
    assert (nothing["computed_at"], nothing["num_groups"], nothing["groups"]) == (None, 0, [])
    with run_jobs():
        assert api.post(path).status_code == 202
    found = api.get(path).json()
    assert (found["num_groups"], found["num_images"], found["is_current"], found["num_pages"]) == (1, 5, True, 1)
    assert {split: len(pks) for split, pks in found["groups"][0]["images"].items()} == {"train": 4, "val": 1}
    with run_jobs():
        assert api.post(f"{path}/mend").status_code == 202
    assert api.get(path).json()["num_groups"] == 0
    assert api.get(path, {"page_size": 501}).status_code == 400
    assert api.get(path, {"page": "x"}).status_code == 400


def test_a_second_look_meanwhile_is_the_first_one(leaking, api_as):
    api, path = api_as(leaking.owner), f"/api/v1/datasets/{leaking.pk}/leaks"
    assert api.post(path).json()["id"] == api.post(path).json()["id"]


def test_the_page_shows_pairs_across_and_mends(leaking, page_as, run_jobs):
    browser, path = page_as(leaking.owner), f"/datasets/{leaking.pk}/health/leaks"
    assert b"Not looked yet" in browser.get(path).content
    with run_jobs():
        browser.post(f"{path}/look")
    page = browser.get(path).content.decode()
    assert "a_frame_0003.jpg" in page
    assert "a_frame_0004.jpg" in page
    assert "frames of one video" in page.lower()
    with run_jobs():
        assert browser.post(f"{path}/mend").headers["Location"] == path
    assert b"No leaks" in browser.get(path).content


def test_the_page_says_how_far_the_work_is_and_that_it_failed(leaking, page_as):
    browser, path = page_as(leaking.owner), f"/datasets/{leaking.pk}/health"
    job = start_look(leaking.owner, leaking)
    Job.objects.filter(pk=job.pk).update(progress=0.42, message="Comparing")
    assert b"42 %" in browser.get(f"{path}/leaks").content
    fragment = browser.get(f"{path}/work/leaks")
    assert b"42 %" in fragment.content
    assert "HX-Refresh" not in fragment.headers
    Job.objects.filter(pk=job.pk).update(status="failed", error_message="The disk is full.")
    assert browser.get(f"{path}/work/leaks").headers["HX-Refresh"] == "true"
    assert b"The disk is full." in browser.get(f"{path}/leaks").content
    assert browser.get(f"{path}/work/nonsense").status_code == 404


def test_the_warning_names_the_leaks_to_whoever_trains(leaking, page_as, bob, carol, run_jobs):
    path = f"/datasets/{leaking.pk}/leak-warning"
    assert b"Nobody has looked yet" in page_as(leaking.owner).get(path).content
    look_for_leaks(leaking)
    assert b"Its splits leak" in page_as(leaking.owner).get(path).content
    assert page_as(carol).get(path).status_code == 404
    services.update_dataset(leaking, is_public=True)
    assert b"Its splits leak, as far as was looked" in page_as(bob).get(path).content
    mend(leaking, run_jobs)
    assert page_as(leaking.owner).get(path).content.strip() == b""


DOORS = [
    ("post", "/datasets/{}/health/leaks/look"), ("post", "/datasets/{}/health/leaks/mend"),
    ("post", "/api/v1/datasets/{}/leaks"), ("post", "/api/v1/datasets/{}/leaks/mend"),
]  # fmt: skip
LOOKS = [
    "/datasets/{}/health", "/datasets/{}/health/leaks", "/datasets/{}/health/work/leaks", "/api/v1/datasets/{}/leaks",
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), [*DOORS, *(("get", path) for path in LOOKS)])
def test_an_outsider_finds_no_leaks(method, path, leaking, carol, api_as, page_as):
    client = api_as if "/api/" in path else page_as
    assert getattr(client(carol), method)(path.format(leaking.pk)).status_code == 404


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_a_reader_mends_nothing(method, path, leaking, bob, api_as, page_as):
    services.update_dataset(leaking, is_public=True)
    client = api_as if "/api/" in path else page_as
    assert getattr(client(bob), method)(path.format(leaking.pk)).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize("path", LOOKS)
def test_a_reader_sees_leaks_without_the_buttons(path, leaking, bob, api_as, page_as):
    look_for_leaks(leaking)
    services.update_dataset(leaking, is_public=True)
    client = api_as if "/api/" in path else page_as
    page = client(bob).get(path.format(leaking.pk))
    assert page.status_code == 200
    assert b"Mend all" not in page.content
    assert b"Look again" not in page.content
