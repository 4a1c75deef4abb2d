"""The testing page: asked once and filtered here, corrected boxes go into a dataset, the webcam comes and goes."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
LONG = 60_000  # for what the server answers, on however busy a machine


def test_images_are_asked_once_corrected_and_sent_into_a_dataset(open_browser, platform, deployed_model):
    made = platform.api("POST", "datasets/", json={"name": "From the testing page", "class_names": ["circle"]}).json()
    page, asked = open_browser(), []
    page.on("request", lambda request: asked.append(request) if "predictions/infer" in request.url else None)
    page.goto(f"{platform.url}/test?model={deployed_model}")
    page.get_by_role("button", name="All 6").click(timeout=LONG)
    expect(page.locator(".test-count").filter(has_text=re.compile(r"^\d+$"))).to_have_count(6, timeout=LONG)
    assert len(asked) == 6

    found = page.locator(".test-objects button")
    page.locator("#conf-0").fill("0.01")
    expect(found.first).to_be_visible()
    least = found.count()
    page.locator("#conf-0").fill("0.99")
    expect(page.locator("[data-count]")).to_have_text("nothing at these thresholds")
    page.locator("#conf-0").fill("0.01")
    expect(found).to_have_count(least)
    found.first.click()
    expect(page.locator("dialog.test-crop canvas")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-place]")).to_contain_text("2 of 6")
    assert len(asked) == 6  # neither thresholds nor going through the images asked again

    page.locator("#conf-0").fill("0.99")  # all that the model found is wrong, let us say
    page.get_by_role("button", name="Correct").click()
    area = page.locator(".test-edit canvas").bounding_box()
    middle_x, middle_y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.keyboard.press("b")
    page.mouse.move(middle_x - 60, middle_y - 40)
    page.mouse.down()
    page.mouse.move(middle_x + 60, middle_y + 40, steps=4)
    page.mouse.up()
    page.keyboard.press("1")
    expect(page.locator("[data-class]")).to_have_value("0")

    dialog = page.locator("dialog.test-send")
    page.locator("[data-editor] [data-send]").click()
    dialog.get_by_label("Dataset", exact=True).select_option(str(made["id"]), timeout=LONG)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator(".message.success")).to_contain_text(
        "Saved: 1 label in “From the testing page”", timeout=LONG
    )
    link = dialog.get_by_role("link", name="Open in the workspace").get_attribute("href")
    image = platform.api("GET", f"datasets/{made['id']}/images").json()["results"][0]
    assert link == f"/datasets/{made['id']}/label?image={image['id']}"
    labels = platform.api("GET", f"datasets/{made['id']}/images/{image['id']}/annotations").json()["annotations"]
    assert [(one["class_name"], one["source"]) for one in labels] == [("circle", "manual")]

    dialog.get_by_role("button", name="Close").last.click()
    page.locator("[data-editor] [data-send]").click()
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.locator(".message.warning")).to_contain_text(
        "already, with 1 label. Nothing was overwritten.", timeout=LONG
    )
    dialog.get_by_role("button", name="Replace its labels").click()
    expect(dialog.locator(".message.success")).to_contain_text("Its labels were replaced", timeout=LONG)
    dialog.get_by_role("button", name="Undo").click()
    expect(dialog).to_contain_text("Taken back: the image has the labels that it had.", timeout=LONG)


def test_the_webcam_is_asked_for_by_a_click_and_let_go(open_browser, platform, deployed_model):
    page = open_browser()
    page.goto(f"{platform.url}/test?model={deployed_model}")
    expect(page.locator("[data-thresholds] #conf-0")).to_be_visible(timeout=LONG)
    assert page.evaluate("document.querySelector('[data-video]').srcObject") is None
    page.get_by_role("button", name="Webcam").click()
    expect(page.locator("[data-speed]")).to_contain_text("frames a second", timeout=LONG)
    page.evaluate("window.track = document.querySelector('[data-video]').srcObject.getVideoTracks()[0]")
    page.get_by_role("button", name="Keep this frame").click()
    expect(page.locator(".test-strip [role=option]")).to_have_count(2)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("[data-place]")).to_contain_text("1 of 1 · Webcam-")
    assert page.evaluate("window.track.readyState") == "ended"

    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")  # as over plain http
    page.get_by_role("button", name="Webcam").click()
    expect(page.locator("[data-error]")).to_contain_text("over https or on localhost")
