"""Versions in a browser, with the workers that really restore and export; and a restore whose worker is killed."""

import io
import re
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import RunningPlatform, ended
from tests.e2e.labelling import make_dataset
from tests.e2e.test_import_survival import wait_for_progress

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
WORK_MS = 60_000


def boxes(platform, dataset):
    """`{image id: boxes with their class}` of every image."""
    images = platform.api("GET", f"datasets/{dataset}/images?page_size=500").json()["results"]
    return {
        image["id"]: [
            (row["class_name"], row["x_center"], row["width"])
            for row in platform.api("GET", f"datasets/{dataset}/images/{image['id']}/annotations").json()["annotations"]
        ]
        for image in images
    }


def save(platform, dataset, image, *rows):
    """Save boxes, each (class id, x), on an image, whatever is there."""
    address = f"datasets/{dataset}/images/{image}/annotations"
    labels = [
        {"class_id": class_id, "x_center": x, "y_center": 0.5, "width": 0.25, "height": 0.25} for class_id, x in rows
    ]
    revision = platform.api("GET", address).json()["revision"]
    answer = platform.api("PUT", address, json={"revision": revision, "annotations": labels})
    assert answer.status_code == 200, answer.text


def test_what_changed_is_seen_taken_back_and_exported(open_browser, platform):
    made = make_dataset(platform, count=4)
    dataset, images = made["id"], made["images"]
    for image in images:
        save(platform, dataset, image, (0, 0.25), (1, 0.75))
    page = open_browser()
    page.goto(f"{platform.url}/datasets/{dataset}/versions")
    expect(page.get_by_role("heading", name="No version yet")).to_be_visible()
    page.get_by_label("Note of the new version").fill("the good one")
    page.get_by_role("button", name="Snapshot now").click()
    expect(page.get_by_text("there is nothing new to snapshot")).to_be_visible()
    before = boxes(platform, dataset)

    save(platform, dataset, images[0], (1, 0.25))
    platform.api("DELETE", f"datasets/{dataset}/images/{images[1]}")
    page.reload()
    page.get_by_role("link", name="Compare with now").click()
    changed = page.locator("#images")
    changed.get_by_role("link", name=re.compile("Labels changed")).click()
    expect(changed.locator("rect.mark-reclassed")).to_have_count(1)
    expect(changed.locator("rect.mark-removed")).to_have_count(1)

    page.get_by_role("link", name="Restore version 1…").click()
    expect(page.get_by_text("1 image that is gone comes back.")).to_be_visible()
    page.get_by_role("button", name="Restore version 1").click()
    expect(page.get_by_text("The dataset is as version 1 has it.")).to_be_visible(timeout=WORK_MS)
    assert boxes(platform, dataset) == before

    page.get_by_role("link", name="See the versions").click()
    expect(page.locator("#v1")).to_contain_text("as it is now")
    page.locator("#v2").get_by_role("link", name="Export").click()
    page.get_by_label("Format").select_option("yolo")
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download(timeout=WORK_MS) as started:
        page.get_by_role("link", name="Download").click(timeout=WORK_MS)
    with zipfile.ZipFile(started.value.path()) as archive:
        rows = sum(archive.read(name).count(b"\n") for name in archive.namelist() if name.startswith("labels/"))
    assert rows == 5  # the second version: an image with one box, two with two


@pytest.fixture(scope="module")
def mortal(tmp_path_factory):
    """A platform of its own, which takes a silent worker for dead after five seconds."""
    folder = tmp_path_factory.mktemp("killed")
    environment = {"WEIGHTS_DOWNLOAD": "false", "SIGN_IN_RATE": "10000/min", "JOB_STALE_SECONDS": "5"}
    running = RunningPlatform.prepared(folder, **environment)
    running.start()
    yield running
    running.stop()


IMAGES = 1500


@pytest.fixture(scope="module")
def large(mortal):
    """The id of a dataset with many images and a version."""
    packed, rows = io.BytesIO(), "0 0.25 0.5 0.1 0.1\n1 0.75 0.5 0.1 0.1\n"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("data.yaml", "train: images/train\nval: images/val\nnames: [red, white]\n")
        for number in range(IMAGES):
            picture = io.BytesIO()
            Image.new("RGB", (32, 24), (number % 256, number // 256, 99)).save(picture, "PNG")
            archive.writestr(f"images/train/{number:05}.png", picture.getvalue())
            archive.writestr(f"labels/train/{number:05}.txt", rows)
    answer = mortal.api("POST", "datasets/import", data={"name": "L"}, files={"file": ("a.zip", packed.getvalue())})
    dataset = ended(mortal, f"jobs/{answer.json()['id']}")["result"]["dataset_id"]
    assert mortal.api("POST", f"datasets/{dataset}/versions").json()["number"] == 1
    return dataset


def test_restore_whose_worker_is_killed_goes_on_and_ends_right(mortal, large):
    first = mortal.api("GET", f"datasets/{large}/versions/1").json()
    keys = {"filter": {}, "action": "split", "split": "val"}
    assert mortal.api("POST", f"datasets/{large}/images/bulk", json=keys).status_code == 200
    assert mortal.api("DELETE", f"datasets/{large}/classes/0").status_code == 200  # and half of all boxes
    job = mortal.api("POST", f"datasets/{large}/versions/1/restore").json()
    wait_for_progress(mortal, job["id"], 1, 0.0)
    mortal.kill("worker")
    result = ended(mortal, f"jobs/{job['id']}")["result"]
    before = result["before"]
    assert (result["exact"], before > 1) == (True, True)
    now = mortal.api("POST", f"datasets/{large}/versions")
    assert (now.status_code, now.json()["content_hash"]) == (200, first["content_hash"])
    back = mortal.api("POST", f"datasets/{large}/versions/{before}/restore").json()
    assert ended(mortal, f"jobs/{back['id']}")["result"]["exact"]
    found = mortal.api("GET", f"datasets/{large}").json()
    assert (found["class_names"], found["num_images"]) == (["white"], IMAGES)


def test_export_whose_worker_is_killed_is_made_again_whole(mortal, large):
    job = mortal.api("POST", f"datasets/{large}/export", json={"format": "yolo", "version": 1}).json()
    wait_for_progress(mortal, job["id"], 1, 0.0)
    mortal.kill("worker")
    result = ended(mortal, f"jobs/{job['id']}")["result"]
    assert (result["images"], result["boxes"]) == (IMAGES, IMAGES * 2)
    with zipfile.ZipFile(io.BytesIO(mortal.api("GET", result["url"]).content)) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 2 * IMAGES + 1
