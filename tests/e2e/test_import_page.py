"""An archive through the browser: paused, reloaded, cut off, looked into, imported and taken back."""

import os
import zipfile

import pytest
from playwright.sync_api import expect

from apps.annotations.tests.archives import photo, voc_xml

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


@pytest.fixture
def archive(tmp_path):
    """A VOC archive of six pictures and 24 MB that are of no use, so that it takes a while."""
    path = tmp_path / "blood_cells.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("raw.bin", os.urandom(24 * 2**20))
        for number in range(6):
            out.writestr(f"VOC/JPEGImages/{number}.png", photo(5000 + number))
            things = [("red", 10, 10, 30, 30), ("white", 40, 10, 60, 30), ("red", 5, 5, 5, 20)]
            out.writestr(f"VOC/Annotations/{number}.xml", voc_xml(*things, filename=f"{number}.png"))
    return path


def network(page):
    """What sets the conditions of a page's network."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    return session


def limit(session, **conditions):
    wanted = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1} | conditions
    session.send("Network.emulateNetworkConditions", wanted)


def begin(page, archive):
    page.set_input_files("input[type=file]", archive)
    page.get_by_role("button", name="Upload and look inside").click()


def sent(page):
    return int(page.locator("form[data-archive] [role=progressbar]").get_attribute("aria-valuenow"))


def wait_until_sent(page, percent):
    bar = "document.querySelector('[data-transfer] [role=progressbar]')"
    page.wait_for_function(f"() => +{bar}.getAttribute('aria-valuenow') >= {percent}", timeout=60_000)


def test_archive_goes_in_through_pause_reload_and_a_lost_network(open_browser, platform, archive):
    page = open_browser()
    page.goto(f"{platform.url}/datasets/import")
    wire = network(page)
    limit(wire, uploadThroughput=4_000_000)
    begin(page, archive)
    wait_until_sent(page, 15)
    expect(page.locator("[data-words]")).to_contain_text("MB a second")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-words]")).to_contain_text("Paused")
    before = sent(page)

    page.reload()
    expect(page.locator("[data-unfinished]")).to_contain_text("“blood_cells.zip” stopped at")
    limit(wire, uploadThroughput=4_000_000)
    begin(page, archive)
    expect(page.locator("[data-words]")).to_contain_text("went on where it had stopped")
    assert sent(page) >= before - 5  # what the browser held back when it was paused

    limit(wire, offline=True)
    expect(page.locator("[data-words]")).to_contain_text("No answer from the server", timeout=20_000)
    limit(wire)
    page.wait_for_url("**/datasets/import/*", timeout=60_000)

    page.get_by_role("button", name="Import 6 images").wait_for(timeout=60_000)
    expect(page.get_by_label("Name of the new dataset")).to_have_value("blood cells")
    expect(page.locator(".sample rect").first).to_be_visible()
    page.get_by_label("Where white goes").select_option(label="left out")
    page.get_by_label("Name of the new class for red").fill("erythrocyte")
    page.get_by_role("button", name="Import 6 images").click()

    page.locator("#report").wait_for(timeout=60_000)
    expect(page.locator("#report h2")).to_contain_text("12 things to know")
    page.get_by_role("link", name="Boxes without area 6").click()
    expect(page.locator("#report tbody tr")).to_have_count(6)
    dataset = platform.api("GET", "datasets?search=blood cells").json()["results"][0]
    assert (dataset["num_images"], dataset["class_names"]) == (6, ["erythrocyte"])

    page.get_by_role("button", name="Undo this import").click()
    page.get_by_role("button", name="Undo the import").click()
    expect(page.locator(".message.success")).to_contain_text("6 images of this import")
    assert platform.api("GET", f"datasets/{dataset['id']}").json()["num_images"] == 0


def test_cancelled_upload_leaves_nothing_on_the_server(open_browser, platform, archive):
    page = open_browser()
    page.goto(f"{platform.url}/datasets/import")
    wire = network(page)
    limit(wire, uploadThroughput=4_000_000)
    pieces = platform.data_dir / "uploads" / "pieces"
    before = set(pieces.iterdir()) if pieces.exists() else set()
    begin(page, archive)
    wait_until_sent(page, 10)
    assert set(pieces.iterdir()) > before
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Upload and look inside")).to_be_visible()
    page.wait_for_timeout(500)
    assert set(pieces.iterdir()) == before
    page.reload()
    expect(page.locator("[data-unfinished]")).to_be_hidden()
