"""The labelling workspace: a model's predictions as suggestions, on one image and on the whole filtered list."""

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import eventually, labels, make_dataset, rect

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
OFFERED = "workspace.suggestions.visible.map(s => ({x: s.cx, y: s.cy, width: s.w, height: s.h, class_id: s.classId}))"


@pytest.fixture
def shapes(platform, deployed_model):
    """A dataset of six pictures of the sample, without labels, and a deployed model that knows them."""
    sample = platform.api("GET", "datasets?search=Sample").json()["results"][0]
    dataset = make_dataset(platform, count=0, class_names=["thing", *reversed(sample["class_names"])])
    found = platform.api("GET", f"datasets/{sample['id']}/images?split=test&page_size=6").json()["results"]
    files = [("files", (image["filename"], platform.api("GET", image["url"]).content)) for image in found]
    created = platform.api("POST", f"datasets/{dataset['id']}/images", files=files).json()["created"]
    return dataset | {"images": [image["id"] for image in created], "model": deployed_model}


def offered(here):
    return here.page.evaluate(OFFERED)


def show_weak_ones(here, least="5"):
    here.page.get_by_label("Least confidence").fill(least)


def prelabel(here):
    """Press P and show even the weak suggestions of the young model."""
    with here.page.expect_response("**/prelabel"):
        here.press("p")
    expect(here.page.locator("#suggest-bar")).to_be_visible()
    show_weak_ones(here)
    here.page.wait_for_function("workspace.suggestions.visible.length > 1")
    here.page.locator("#layer-overlay").focus()
    return offered(here)


def spot(here, one):
    """A point of a suggestion at which it is the one that is picked, or None."""
    return here.page.evaluate(
        """([x, y]) => workspace.suggestions.at(x, y, {x: 0, y: 0})?.cx === x ? [x, y] : null""", [one["x"], one["y"]]
    )


def clickable(here):
    return next(filter(None, (spot(here, one) for one in offered(here))))


def test_suggestions_are_no_labels_until_they_are_accepted(label, platform, shapes):
    here = label(shapes)
    found = prelabel(here)
    assert here.count() == 0
    here.saved().state("Unlabelled")
    assert labels(platform, shapes)["revision"] == 0
    expect(here.page.locator("#suggest-count")).to_have_text(f"{len(found)} of {len(found)}")
    here.click(*clickable(here))
    assert here.count() == 1
    assert len(offered(here)) < len(found)
    here.press("Control+z")
    assert here.count() == 0
    assert len(offered(here)) == len(found), "undo brings the suggestion back"


def test_the_slider_hides_weak_ones_without_asking_again(label, shapes):
    here = label(shapes)
    every = len(prelabel(here))
    asked = []
    here.page.on("request", lambda request: asked.append(request.url) if "prelabel" in request.url else None)
    show_weak_ones(here, "95")
    assert len(offered(here)) < every
    show_weak_ones(here, "5")
    assert len(offered(here)) == every
    assert asked == []


def test_enter_accepts_all_that_is_shown_as_one_step_and_goes_on(label, platform, shapes):
    here = label(shapes)
    found = prelabel(here)
    here.press("Enter")
    here.shown(1)
    saved = here.server(0)
    assert sorted(map(rect, saved)) == sorted(map(rect, found))
    assert {one["source"] for one in saved} == {"model"}
    assert all(0 < one["confidence"] <= 1 for one in saved)
    here.press("a")
    here.shown(0)
    assert offered(here) == []
    here.press("Control+z")
    assert here.server(0) == []


def test_alt_click_and_dismiss_reject(label, shapes):
    here = label(shapes)
    every = len(prelabel(here))
    here.page.keyboard.down("Alt")
    here.click(*clickable(here))
    here.page.keyboard.up("Alt")
    assert len(offered(here)) == every - 1
    here.page.get_by_role("button", name="Dismiss").click()
    expect(here.page.locator("#suggest-bar")).to_be_hidden()
    assert here.server() == []


def test_the_whole_list_is_prelabelled_as_a_job_and_looked_through(label, platform, shapes):
    here = label(shapes)
    page = here.page
    here.drag(0.05, 0.05, 0.2, 0.2)  # the first is labelled, so the job leaves it out
    here.saved()
    page.get_by_role("button", name="Pre-label the whole list").click()
    dialog = page.get_by_role("dialog", name="Pre-label the list")
    dialog.get_by_label("Least confidence").fill("5")
    start = dialog.get_by_role("button", name="Pre-label 5 images")
    dialog.get_by_label("Only unlabelled").uncheck()
    expect(dialog.get_by_role("button", name="Pre-label 6 images")).to_be_enabled()
    dialog.get_by_label("Only unlabelled").check()
    start.click()
    bar = page.get_by_role("group", name="Pre-labelling the list")
    expect(bar).to_be_visible()
    here.toast("on 5 images")
    expect(bar).to_be_hidden()
    strip = page.locator("#filmstrip button")
    expect(strip.nth(1)).to_have_class(r"ws-film-item is-suggested")
    expect(strip.nth(0)).to_have_class("ws-film-item is-current")
    assert [labels(platform, shapes, n)["state"] for n in range(2)] == ["labelled", "unlabelled"]
    page.get_by_label("State").select_option("disagreement")
    expect(page.locator("#count")).to_have_text("5")
    here.shown(1)
    show_weak_ones(here)
    page.wait_for_function("workspace.suggestions.visible.length > 1")
    waiting = f"datasets/{shapes['id']}/images/{shapes['images'][1]}/suggestions"
    stored = platform.api("GET", waiting).json()["predictions"]
    assert len(stored) == len(offered(here))
    here.click(*clickable(here))
    eventually(lambda: len(platform.api("GET", waiting).json()["predictions"]), len(offered(here)))
    here.page.locator("#layer-overlay").focus()
    here.press("Shift+p")
    eventually(lambda: platform.api("GET", waiting).json()["predictions"], [])
    expect(strip.nth(0)).not_to_have_class("is-suggested")
    assert len(here.server(1)) == 1
    page.reload()
    here.shown()
    expect(page.locator("#count")).to_have_text("4")


def test_a_prelabelling_is_cancelled_and_found_again_after_a_reload(label, platform, shapes):
    here = label(shapes)
    page, asked = here.page, []
    running = {"id": 1, "status": "running", "progress": 0.4, "message": "2 of 5 images"}

    def job(route):
        asked.append(route.request.url.rsplit("/", 1)[-1])
        stopped = {"status": "cancelled"} if "cancel" in asked else {}
        route.fulfill(json=running | stopped)

    page.route("**/api/v1/jobs/**", job)  # the real one is too quick to be cancelled by hand
    page.get_by_role("button", name="Pre-label the whole list").click()
    page.get_by_role("button", name="Pre-label 6 images").click()
    bar = page.get_by_role("group", name="Pre-labelling the list")
    expect(bar).to_contain_text("2 of 5 images")
    page.reload()
    here.shown(0)
    expect(bar).to_contain_text("2 of 5 images")
    bar.get_by_role("button", name="Cancel").click()
    here.toast("Cancelled")
    expect(bar).to_be_hidden()
    page.reload()
    here.shown(0)
    expect(bar).to_be_hidden()


def test_classes_that_the_dataset_lacks_are_named(label, platform, deployed_model):
    here = label(make_dataset(platform, class_names=["bolt"]))
    here.press("p")
    here.toast("This dataset has no class for: circle")
