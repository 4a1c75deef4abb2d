"""A model that segments on the testing page: outlines are drawn, corrected, and sent into a dataset as they are."""

import re

import pytest
from playwright.sync_api import expect

from apps.models.tests.tiny_weights import NAMES, tiny_weights
from tests.e2e.conftest import ended

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
LONG = 60_000  # for what the server or a worker does, on however busy a machine


@pytest.fixture(scope="module")
def sample(platform):
    return platform.api("GET", "datasets?search=Sample").json()["results"][0]


@pytest.fixture(scope="module")
def version(platform, sample):
    """The id of a dataset version of two labelled images: random weights find hundreds of things on each."""
    made = platform.api("POST", "datasets/", json={"name": "To look at", "class_names": ["disc"]}).json()
    at = f"datasets/{made['id']}"
    for row in platform.api("GET", f"datasets/{sample['id']}/images?page_size=2").json()["results"]:
        picture = platform.api("GET", row["url"]).content
        sent = platform.api("POST", f"{at}/images", files={"files": (row["filename"], picture)}).json()["created"][0]
        box = {"class_id": 0, "x_center": 0.5, "y_center": 0.5, "width": 0.2, "height": 0.2}
        labels = {"revision": 0, "annotations": [box]}
        assert platform.api("PUT", f"{at}/images/{sent['id']}/annotations", json=labels).ok
        assert platform.api("PATCH", f"{at}/images/{sent['id']}", json={"split": "val"}).ok
    assert platform.api("POST", f"{at}/versions", json={}).ok
    return platform.api("GET", f"{at}/versions").json()["results"][0]["id"]


@pytest.fixture(scope="module")
def outlining(platform, version):
    """The id of a deployed model that segments."""
    weights = (tiny_weights() / "yolov8n-seg.pt").read_bytes()
    sent = platform.api("POST", "models/", data={"name": "Outlines"}, files={"file": ("outlines.pt", weights)})
    model_id = ended(platform, f"jobs/{sent.json()['id']}")["result"]["model_id"]
    job = platform.api("POST", f"models/{model_id}/deploy", json={"version_id": version}).json()
    ended(platform, f"jobs/{job['id']}")
    yield model_id
    assert platform.api("POST", f"models/{model_id}/undeploy").ok  # the workspace would ask the newest that is deployed


def test_outlines_are_drawn_corrected_and_sent_into_a_dataset(open_browser, platform, sample, outlining):
    made = {"name": "Outlined here", "class_names": list(NAMES.values()), "task": "segment"}
    dataset = platform.api("POST", "datasets/", json=made).json()
    image = platform.api("GET", f"datasets/{sample['id']}/images?page_size=1").json()["results"][0]
    picture = {"name": "a.png", "mimeType": "image/png", "buffer": platform.api("GET", image["url"]).content}
    page, answers = open_browser(), []
    page.on("response", lambda one: answers.append(one) if "predictions/infer" in one.url else None)
    page.goto(f"{platform.url}/test?model={outlining}")
    expect(page.locator("#conf-0")).to_be_visible(timeout=LONG)
    page.locator("[data-files]").set_input_files(picture)
    found = page.locator(".test-objects button")
    page.locator("#conf-0").fill("0.01")
    expect(found.first).to_be_visible(timeout=LONG)
    surest = max(answers[0].json()["predictions"], key=lambda one: one["confidence"])
    assert len(surest["points"]) >= 3
    found.first.click()
    expect(page.locator("dialog.test-crop canvas")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Correct").click()
    canvas = page.locator(".test-edit canvas")
    page.keyboard.press("Control+a")
    page.keyboard.press("n")  # one of them is moved, the others stay the model's
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("y")
    expect(page.get_by_role("button", name="Outline", exact=True)).to_have_attribute("aria-pressed", "true")
    area = canvas.bounding_box()
    for x, y in ((0.45, 0.45), (0.55, 0.45), (0.5, 0.6)):
        page.mouse.click(area["x"] + area["width"] * x, area["y"] + area["height"] * y)
    page.keyboard.press("Enter")
    shown = page.locator("[data-editor] [data-send]")
    shown.click()
    dialog = page.locator("dialog.test-send")
    dialog.get_by_label("Dataset", exact=True).select_option(str(dataset["id"]), timeout=LONG)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator(".message.success")).to_contain_text(re.compile(r"Saved: \d+ labels? in"), timeout=LONG)

    (kept,) = platform.api("GET", f"datasets/{dataset['id']}/images").json()["results"]
    labels = platform.api("GET", f"datasets/{dataset['id']}/images/{kept['id']}/annotations").json()["annotations"]
    assert all(label["points"] for label in labels)
    assert sorted(label["source"] for label in labels).count("manual") == 2  # the moved one and the drawn one
    assert [len(label["points"]) for label in labels if label["source"] == "manual"][-1:] == [3]
    dialog.get_by_role("link", name="Open in the workspace").click()
    expect(page).to_have_url(re.compile(rf"/datasets/{dataset['id']}/label"), timeout=LONG)
    expect(page.locator("#filmstrip button")).to_have_count(1, timeout=LONG)


class Corrections:
    """The editor of the testing page with a picture in it; `seen()` is what is drawn, with all chosen."""

    def __init__(self, page, platform, sample, model_id, conf):
        image = platform.api("GET", f"datasets/{sample['id']}/images?page_size=1").json()["results"][0]
        picture = {"name": "a.png", "mimeType": "image/png", "buffer": platform.api("GET", image["url"]).content}
        self.page = page
        page.goto(f"{platform.url}/test?model={model_id}")
        expect(page.locator("#conf-0")).to_be_visible(timeout=LONG)
        page.locator("[data-files]").set_input_files(picture)
        expect(page.locator(".test-count").filter(has_text=re.compile(r"^\d+$"))).to_have_count(1, timeout=LONG)
        page.locator("#conf-0").fill(conf)
        self.open()
        self.canvas = page.locator(".test-edit canvas")

    def open(self):
        self.page.get_by_role("button", name="Correct").click()

    def at(self, x, y):
        area = self.canvas.bounding_box()
        return area["x"] + area["width"] * x, area["y"] + area["height"] * y

    def outline(self, *points):
        self.page.keyboard.press("y")
        for point in points:
            self.page.mouse.click(*self.at(*point))
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("v")

    def seen(self):
        self.page.mouse.move(0, 0)
        self.page.keyboard.press("Control+a")
        frame = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        return self.canvas.evaluate(f"async (canvas) => {{ await {frame}; return canvas.toDataURL(); }}")

    def step(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()
        return self.seen()


def test_redo_brings_back_two_corrections_of_outlines_one_after_the_other(
    open_browser, platform, sample, outlining
):  # fmt: skip
    page = open_browser()
    editor = Corrections(page, platform, sample, outlining, "0.01")
    states = [editor.seen()]
    page.keyboard.press("n")
    page.keyboard.press("Shift+ArrowRight")  # one of the model's
    states.append(editor.seen())
    editor.outline((0.45, 0.45), (0.55, 0.45), (0.5, 0.6))
    states.append(editor.seen())
    assert len(set(states)) == 3
    assert [editor.step(name) for name in ("Undo", "Undo", "Redo", "Redo")] == [states[i] for i in (1, 0, 1, 2)]
    for key, state in (("Control+z", 1), ("Control+z", 0), ("Control+Shift+z", 1), ("Control+y", 2)):
        page.keyboard.press(key)
        assert editor.seen() == states[state], key
    page.get_by_role("button", name="Done").click()
    editor.open()
    assert editor.seen() == states[2]
    assert [editor.step(name) for name in ("Undo", "Undo")] == [states[1], states[0]]
    page.get_by_role("button", name="Done").click()  # nothing is corrected now, and what was can still be had
    editor.open()
    assert [editor.step(name) for name in ("Redo", "Redo")] == [states[1], states[2]]
    expect(page.locator("[data-editor] [data-redo]")).to_be_disabled()


def test_redo_moves_the_point_of_an_outline_again(open_browser, platform, sample, outlining):
    page = open_browser()
    editor = Corrections(page, platform, sample, outlining, "0.99")
    states = [editor.seen()]
    editor.outline((0.45, 0.45), (0.55, 0.45), (0.5, 0.6))
    states.append(editor.seen())
    page.mouse.move(*editor.at(0.45, 0.45))
    page.mouse.down()
    page.mouse.move(*editor.at(0.4, 0.4), steps=4)
    page.mouse.up()
    states.append(editor.seen())
    assert len(set(states)) == 3
    assert [editor.step(name) for name in ("Undo", "Undo", "Redo", "Redo")] == [states[i] for i in (1, 0, 1, 2)]
    editor.outline((0.6, 0.6), (0.7, 0.6), (0.65, 0.7))
    expect(page.locator("[data-editor] [data-redo]")).to_be_disabled()
    assert editor.step("Undo") == states[2]
    assert editor.step("Start over") == states[0]
    assert [editor.step(name) for name in ("Undo", "Undo", "Undo")] == [states[2], states[1], states[0]]
