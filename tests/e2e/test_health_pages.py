"""Duplicates, leaks and splits in a browser, with the workers that really run them."""

import pytest
from playwright.sync_api import expect

from apps.datasets.tests.test_duplicates import encoded, scene
from tests.e2e.labelling import make_dataset

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
WORK_MS = 60_000


def fill(platform, pictures):
    """A dataset with these pictures by name; `{id, images: {name: id}}`."""
    made = make_dataset(platform, count=0)
    files = [("files", (name, encoded(picture, quality=90), "image/jpeg")) for name, picture in pictures.items()]
    found = platform.api("POST", f"datasets/{made['id']}/images", files=files).json()
    return {"id": made["id"], "images": {image["filename"]: image["id"] for image in found["created"]}}


def names(platform, dataset):
    found = platform.api("GET", f"datasets/{dataset['id']}/images?page_size=500").json()["results"]
    return {image["filename"]: image["split"] for image in found}


def test_the_chosen_one_of_a_group_stays_and_the_others_go(open_browser, platform):
    small = scene(1).resize((200, 150))
    pictures = {"large.jpg": scene(1), "small.jpg": small, "other.jpg": scene(2), "b.jpg": scene(3)}
    dataset = fill(platform, pictures | {"b small.jpg": scene(3).resize((200, 150))})
    page = open_browser()
    page.goto(f"{platform.url}/datasets/{dataset['id']}/health")
    page.get_by_role("button", name="Look for duplicates").click()
    group = page.locator("section.card", has_text="large.jpg")
    expect(group).to_be_visible(timeout=WORK_MS)
    expect(group.get_by_role("radio", name="large.jpg")).to_be_checked()
    group.get_by_role("radio", name="small.jpg").check()
    group.get_by_role("button", name="Keep one, trash the others").click()
    page.locator("dialog").get_by_role("button", name="Cancel").click()
    assert len(names(platform, dataset)) == 5
    group.get_by_role("button", name="Keep one, trash the others").click()
    page.locator("dialog").get_by_role("button", name="Keep one").click()
    expect(page.get_by_text("1 image moved to the trash")).to_be_visible()
    assert sorted(names(platform, dataset)) == ["b small.jpg", "b.jpg", "other.jpg", "small.jpg"]
    page.get_by_role("button", name="Keep one of this group").click()
    page.locator("dialog").get_by_role("button", name="Keep one of each").click()
    expect(page.get_by_role("heading", name="No duplicates")).to_be_visible()
    assert sorted(names(platform, dataset)) == ["b.jpg", "other.jpg", "small.jpg"]


def test_a_split_that_leaks_is_shown_mended_and_taken_back(open_browser, platform):
    pictures = {f"street_frame_{n:03}.jpg": scene(n) for n in range(5)} | {f"p{n}.jpg": scene(n) for n in range(9, 29)}
    dataset = fill(platform, pictures)
    page = open_browser()
    page.goto(f"{platform.url}/datasets/{dataset['id']}/splits")
    page.get_by_role("button", name="Assign the splits").click()
    page.get_by_role("link", name="See the splits").click(timeout=WORK_MS)
    expect(page.get_by_text("25 images moved.")).to_be_visible()
    expect(page.get_by_text("no source is on two sides")).to_be_visible()
    shared = names(platform, dataset)
    (side,) = {split for name, split in shared.items() if name.startswith("street")}

    moved = "val" if side != "val" else "train"
    frame = dataset["images"]["street_frame_002.jpg"]
    platform.api("PATCH", f"datasets/{dataset['id']}/images/{frame}/", json={"split": moved})
    page.goto(f"{platform.url}/datasets/{dataset['id']}/health/leaks")
    page.get_by_role("button", name="Look again").click()
    pair = page.locator("figure.pair").first
    expect(pair).to_be_visible(timeout=WORK_MS)
    expect(pair).to_contain_text("street_frame_002.jpg")
    expect(pair).to_contain_text("Frames of one video")
    page.get_by_role("button", name="Mend all 1").click()
    expect(page.get_by_role("heading", name="No leaks")).to_be_visible(timeout=WORK_MS)
    assert names(platform, dataset) == shared

    page.goto(f"{platform.url}/datasets/{dataset['id']}/splits")
    page.get_by_role("button", name="Undo").click()
    page.get_by_role("link", name="See the splits").click(timeout=WORK_MS)
    expect(page.get_by_text("It was taken back.")).to_be_visible()
    assert names(platform, dataset)["street_frame_002.jpg"] == moved
