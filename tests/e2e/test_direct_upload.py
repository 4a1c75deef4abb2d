"""Archives and pictures that go from the browser straight to the store, under the pages' own policy; and where not."""

import os
import re
import zipfile
from contextlib import ExitStack
from functools import partial

import boto3
import pytest
import requests
from playwright.sync_api import expect

from apps.annotations.tests.archives import photo, voc_xml
from tests.e2e.conftest import RunningPlatform, sign_in
from tests.real_parts import running_s3

from .labelling import SHOWN
from .test_survival import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("straight to the store")]
MIB = 2**20


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A platform whose files lie in S3; `let_in(origin)` says whose pages may send there."""
    with ExitStack() as running:
        s3 = {name.removeprefix("TEST_"): value for name, value in running.enter_context(running_s3()).items()}
        parts = {"S3_BUCKET": "straight", "S3_SIGNED_SECONDS": "300", "WEIGHTS_DOWNLOAD": "false"}
        machine = RunningPlatform(tmp_path_factory.mktemp("straight"), **parts, **s3)
        machine.start()
        running.callback(machine.stop)
        store = boto3.client(
            "s3", endpoint_url=s3["S3_ENDPOINT_URL"], region_name=s3["S3_REGION"],
            aws_access_key_id=s3["S3_ACCESS_KEY"], aws_secret_access_key=s3["S3_SECRET_KEY"],
        )  # fmt: skip
        machine.store, machine.let_in = s3["S3_ENDPOINT_URL"], partial(let_in, store, machine)
        yield machine


def let_in(store, machine, origin):
    """Set the CORS of the bucket: pages of this origin send to it, those of no other. Ends when the store does so."""
    rule = {"AllowedOrigins": [origin], "AllowedMethods": ["GET", "PUT"], "AllowedHeaders": ["*"]}
    store.put_bucket_cors(Bucket="straight", CORSConfiguration={"CORSRules": [rule]})
    asked = {"Origin": machine.url, "Access-Control-Request-Method": "PUT"}

    def does_so():
        answer = requests.options(f"{machine.store}/straight/jobs/in/any", headers=asked, timeout=30)
        is_let_in = answer.headers.get("Access-Control-Allow-Origin") in (machine.url, "*")
        return is_let_in == (origin == machine.url)

    wait_for(does_so, 60)


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return browser_context_args | {"bypass_csp": False}


@pytest.fixture
def page(new_context, machine):
    context = new_context()
    context.add_cookies(sign_in(machine, "demo", machine.password))
    context.set_default_timeout(60_000)
    return context.new_page()


@pytest.fixture
def archive(tmp_path):
    """A VOC archive of two pictures and 20 MiB that are of no use: two parts."""
    path = tmp_path / "straight.zip"
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("raw.bin", os.urandom(20 * MIB))
        for number in range(2):
            out.writestr(f"VOC/JPEGImages/{number}.png", photo(7000 + number))
            out.writestr(f"VOC/Annotations/{number}.xml", voc_xml(("red", 10, 10, 30, 30), filename=f"{number}.png"))
    return path


def asked(page):
    """The methods and addresses of what a page asks from now on."""
    seen = []
    page.on("request", lambda request: seen.append((request.method, request.url)))
    return seen


def import_archive(page, machine, archive):
    page.goto(f"{machine.url}/datasets/import")
    page.set_input_files("input[type=file]", archive)
    page.get_by_role("button", name="Upload and look inside").click()
    page.get_by_role("button", name="Import 2 images").wait_for()


def test_the_parts_of_an_archive_go_straight_to_the_store(page, machine, archive):
    machine.let_in(machine.url)
    seen = asked(page)
    import_archive(page, machine, archive)
    sent = [url for method, url in seen if method == "PUT"]
    assert len(sent) == 2
    assert all(url.startswith(f"{machine.store}/straight/jobs/in/") for url in sent)
    assert not [url for method, url in seen if method == "PATCH"]
    page.get_by_role("button", name="Import 2 images").click()
    page.locator("#report").wait_for()
    assert machine.api("GET", "datasets?search=straight").json()["results"][0]["num_images"] == 2


def test_where_the_store_does_not_let_the_page_in_the_pieces_come_through_the_platform(page, machine, archive):
    machine.let_in("https://elsewhere.example.org")
    seen = asked(page)
    import_archive(page, machine, archive)
    assert [url for method, url in seen if method == "PATCH"]


@pytest.fixture
def dataset(machine):
    """The API's path of a dataset of its own."""
    return f"datasets/{machine.api('POST', 'datasets', json={'name': 'Straight'}).json()['id']}"


@pytest.fixture
def pictures(tmp_path):
    """Four files: two pictures, one of them twice, and one that is none."""
    data = {"one.png": photo(8001), "two.png": photo(8002), "again.png": photo(8002), "none.png": b"<html>"}
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
    return [tmp_path / name for name in data]


def drop(page, machine, dataset, pictures):
    """Upload the pictures on the dataset's page, and see what it says of each."""
    page.goto(f"{machine.url}/{dataset}/")
    page.locator("#upload input[type=file]").set_input_files(pictures)
    expect(page.locator("[data-summary]")).to_contain_text("2 of 4 in, 1 already here, 1 refused", timeout=60_000)
    rows = page.locator(".uploads li")
    expect(rows.nth(0)).to_contain_text("one.pngin")
    expect(rows.nth(3).locator(".state.bad")).to_contain_text("Not an image")
    assert machine.api("GET", dataset).json()["num_images"] == 2


def test_pictures_go_straight_to_the_store_and_each_is_answered(page, machine, dataset, pictures):
    machine.let_in(machine.url)
    seen = asked(page)
    drop(page, machine, dataset, pictures)
    sent = [url for method, url in seen if method == "PUT"]
    assert len(sent) == 4
    assert all(url.startswith(f"{machine.store}/straight/jobs/in/") for url in sent)
    assert ("POST", f"{machine.url}/api/v1/{dataset}/images") not in seen
    page.get_by_role("link", name="Show the images").click()
    expect(page.locator("[data-count]")).to_have_text("2 images", timeout=30_000)


def look(page, machine, dataset, address):
    """Open the labelling workspace and go to the second picture; `address` is where both of them come from."""
    got = []
    page.on("response", lambda answer: answer.status == 200 and got.append(answer.url))
    page.goto(f"{machine.url}/{dataset}/label")
    wait_for(lambda: page.evaluate(SHOWN), 60)  # the pages' policy lets no function wait in the page itself
    page.get_by_role("button", name="Next image").click()
    expect(page.locator("#position")).to_have_value("2", timeout=30_000)
    wait_for(lambda: page.evaluate(SHOWN) and sum(bool(re.fullmatch(address, url)) for url in got) >= 2, 60)
    expect(page.get_by_role("link", name="Download the original file")).to_have_attribute(
        "href", re.compile("/original$")
    )
    return got


def test_the_labelling_canvas_reads_pictures_from_the_store_itself(page, machine, dataset, pictures):
    machine.let_in(machine.url)
    drop(page, machine, dataset, pictures)
    got = look(page, machine, dataset, rf"{machine.store}/straight/datasets/\d+/images/.*")
    assert not [url for url in got if url.endswith("/file")]


def test_the_labelling_canvas_shows_them_where_the_store_does_not_let_it_in(page, machine, dataset, pictures):
    machine.let_in("https://elsewhere.example.org")
    drop(page, machine, dataset, pictures)
    look(page, machine, dataset, rf"{machine.url}/{dataset}/images/\d+/file")


def test_pictures_come_through_the_platform_where_the_store_does_not_let_the_page_in(page, machine, dataset, pictures):
    machine.let_in("https://elsewhere.example.org")
    seen = asked(page)
    drop(page, machine, dataset, pictures)
    assert seen.count(("POST", f"{machine.url}/api/v1/{dataset}/images")) == 4
    (job,) = [job for job in machine.api("GET", "jobs").json()["results"] if job["kind"] == "image upload"][:1]
    assert job["status"] == "cancelled"
