"""From a training to its report: evaluated by itself, a cell opens its images, a label is noted as right."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import ended

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
SMALL = {"model_type": "yolov8n", "weights": "scratch", "epochs": 1, "batch_size": 16, "img_size": 32, "patience": 0}


@pytest.fixture(scope="module")
def model(platform):
    """A model that one epoch made of the sample: it misses nearly everything, which is what is looked at here."""
    dataset = platform.api("GET", "datasets?search=Sample").json()["results"][0]
    job = platform.api("POST", "training", json={"dataset_id": dataset["id"], **SMALL}).json()
    return ended(platform, f"training/{job['id']}", 300)["model_id"]


def test_a_training_is_judged_by_itself_and_its_mistakes_can_be_gone_through(demo_page, platform, model):
    page = demo_page
    page.goto(f"{platform.url}/models/{model}/")
    expect(page.get_by_role("navigation", name="Evaluations").get_by_role("link")).to_have_count(2)
    expect(page.get_by_role("link", name="What it got wrong")).to_be_visible(timeout=120_000)
    for chart in ("pr", "f1", "precision", "recall", "confusion"):
        expect(page.locator(f"[data-chart={chart}] .main-svg").first).to_be_visible()
    expect(page.get_by_role("cell", name="Medium")).to_be_visible()

    matrix = page.locator("[data-chart=confusion]")
    matrix.scroll_into_view_if_needed()
    area = matrix.locator(".nsewdrag").bounding_box()
    page.mouse.click(area["x"] + area["width"] * 0.1, area["y"] + area["height"] * 0.9)  # circles that were missed
    page.wait_for_url("**/errors?predicted=4&true=0&conf=0.25")
    expect(page.get_by_text("“circle” that the model missed")).to_be_visible()
    page.get_by_role("link", name="All images").click()
    before = how_many(page)
    first = page.locator(".error-card").first
    expect(first.get_by_role("link", name="Fix it")).to_have_attribute("href", re.compile(r"/label\?image=\d+$"))
    first.get_by_role("button", name="This label is right").click()
    expect(page.get_by_text("it has left the list")).to_be_visible()
    assert how_many(page) == before - 1
    page.get_by_label("Also labels noted as right").check()
    expect(page.locator("#rows > p").first).to_contain_text(f"{before} images")


def how_many(page):
    return int(page.locator("#rows > p").first.text_content().split()[0])


def test_a_point_on_the_curves_is_stored_with_the_model(demo_page, platform, model):
    for evaluation in platform.api("GET", f"models/{model}/evaluations").json():
        ended(platform, f"jobs/{evaluation['job_id']}")  # without a result, there is no rule to store
    page = demo_page
    page.goto(f"{platform.url}/models/{model}/")
    page.locator("#point-conf").fill("0.4")  # by hand: where one epoch found nothing, no rule gives a point
    page.get_by_label("One for each class").check()
    page.get_by_label("Confidence of circle").fill("0.7")
    page.get_by_role("button", name="Store as its default").click()
    expect(page.locator("[data-point-said]")).to_contain_text("Stored")
    point = platform.api("GET", f"models/{model}").json()["operating_point"]
    assert (point["rule"], point["confidence"]) == ("manual", 0.4)
    assert sorted(point["per_class"].values()) == [0.4, 0.4, 0.4, 0.7]
    expect(page.locator("[data-point-stored]")).to_have_text("0.40, by class")
