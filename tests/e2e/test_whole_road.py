"""The main job through the browser: sign up, bring images in, label, train, watch, deploy, try, call with a token."""

import re

import pytest
import requests
from playwright.sync_api import expect

from conftest import picture

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
LONG = 300_000
EPOCHS = 6  # the model finds something after about four


def test_a_newcomer_signs_up_and_sees_what_to_do_next(page, platform):
    page.goto(platform.url)
    expect(page.get_by_role("heading", level=1)).to_contain_text("working detector")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Username").fill("newcomer")
    page.get_by_label("Email").fill("newcomer@example.org")
    page.get_by_label("Password", exact=True).fill("a-good-long-password")
    page.get_by_label("Password confirmation").fill("a-good-long-password")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Hello, newcomer")).to_be_visible()
    expect(page.locator(".steps .next")).to_contain_text("Bring images in")
    expect(page.get_by_text("No dataset yet")).to_be_visible()


def test_images_go_in_by_the_page_and_are_labelled_on_the_canvas(demo_page, platform, tmp_path):
    page = demo_page
    page.goto(f"{platform.url}/datasets/new")
    page.get_by_label("Name").fill("Parts <b>&")
    page.get_by_label("Classes").fill("bolt\nnut")
    page.get_by_role("button", name="Create").click()
    for number in range(2):
        (tmp_path / f"part{number}.png").write_bytes(picture(320, 240, seed=number))
    (tmp_path / "broken.png").write_bytes(b"<html>not a picture</html>")
    page.locator("#upload input[type=file]").set_input_files(sorted(tmp_path.iterdir()))
    expect(page.locator("[data-summary]")).to_contain_text("2 of 3 in, 1 refused")
    expect(page.locator(".uploads .state.bad")).to_contain_text("Not an image")
    page.get_by_role("link", name="Show the images").click()  # the reason for the refusal could be read until now
    expect(page.locator(".tile")).to_have_count(2)
    dataset_id = int(re.search(r"/datasets/(\d+)/", page.url)[1])
    page.locator(".tile a").first.click()
    draw_a_box(page)
    labels = eventually_labelled(platform, dataset_id)
    assert [label["class_name"] for label in labels] == ["bolt"]
    assert 0.2 < labels[0]["width"] < 0.7


def draw_a_box(page):
    """Draw with the keyboard's tool and the mouse, in the middle of the canvas."""
    canvas = page.locator("canvas").last
    expect(canvas).to_be_visible()
    page.wait_for_timeout(1200)  # the picture is decoded and fitted
    page.keyboard.press("w")
    area = canvas.bounding_box()
    center_x, center_y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(center_x - 90, center_y - 70)
    page.mouse.down()
    page.mouse.move(center_x, center_y, steps=5)
    page.mouse.move(center_x + 90, center_y + 70, steps=5)
    page.mouse.up()


def eventually_labelled(platform, dataset_id):
    """The labels of the dataset's first image once the browser has saved them by itself."""
    import time

    for _ in range(60):
        image = platform.api("GET", f"datasets/{dataset_id}/images").json()["results"][0]
        if image["num_boxes"]:
            return platform.api("GET", f"datasets/{dataset_id}/images/{image['id']}/annotations").json()["annotations"]
        time.sleep(0.25)
    raise AssertionError("the box was not saved")


def the_job_page_grows_without_being_loaded_again(page):
    """From the job's start to its end: charts, figures, machine, table, log and buttons."""
    expect(page.locator("[data-badge] .badge")).to_be_visible()
    page.evaluate("window.isTheSamePage = true")
    page.get_by_text("The epochs as numbers").click()
    expect(page.locator("[data-table] tbody tr").first).to_be_visible(timeout=LONG)
    expect(page.locator("[data-chart=accuracy] svg").first).to_be_visible()
    expect(page.locator("[data-badge] .badge")).to_have_text("completed", timeout=LONG)
    expect(page.locator("[data-epoch]")).to_have_text(str(EPOCHS))
    expect(page.locator("[data-table] tbody tr")).to_have_count(EPOCHS)
    expect(page.locator("[data-best=mAP50]")).to_have_text(re.compile(r"^[01]\.\d{3}$"))
    expect(page.locator("[data-usage]")).to_contain_text("CPU")
    expect(page.locator("[data-log]")).to_contain_text("mAP50-95")
    page.get_by_label("Find in the log").fill("map50-95")
    expect(page.locator("[data-log-count]")).to_have_text(re.compile(r"^(\d+) of \1$"))
    expect(page.locator(".log-line.current mark").first).to_have_text("mAP50-95")
    expect(page.get_by_role("button", name="Follow")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_role("link", name="The model")).to_be_visible()
    assert page.evaluate("window.isTheSamePage")


def test_the_sample_is_trained_deployed_tried_and_called_with_a_token(demo_page, platform, tmp_path):
    page = demo_page
    page.goto(f"{platform.url}/datasets/?search=Sample")  # others' datasets may fill the first page
    page.get_by_role("link", name=re.compile("Sample: coloured shapes")).click()
    page.get_by_role("link", name="Train", exact=True).click()
    expect(page.get_by_label("Epochs", exact=True)).to_have_value(re.compile(r"\d+"))
    page.get_by_label("Epochs", exact=True).fill(str(EPOCHS))
    page.get_by_role("button", name="Start training").click()
    the_job_page_grows_without_being_loaded_again(page)
    page.get_by_role("link", name="The model").click()
    page.get_by_role("button", name="Deploy").click()
    expect(page.locator("#deployment .badge").first).to_have_text("deployed", timeout=LONG)
    model_id = int(re.search(r"/models/(\d+)/", page.url)[1])
    image = sample_image(platform, tmp_path)
    page.get_by_role("link", name="Try it").click()
    page.locator("#tester input[type=file]").set_input_files(image)
    expect(page.locator("[data-speed]")).to_contain_text("Answered in", timeout=LONG)
    expect(page.locator("[data-stage] canvas")).to_be_visible()
    key = token_from_the_page(page, platform)
    answer = requests.post(
        f"{platform.url}/api/v1/predictions/infer", files={"image": image.read_bytes()}, timeout=30,
        data={"model_id": model_id, "conf": 0.01}, headers={"Authorization": f"Token {key}"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"model", "image", "predictions", "speed"}
    assert answer.json()["predictions"], f"{EPOCHS} epochs are enough for some box at confidence 0.01"


def sample_image(platform, folder):
    dataset = platform.api("GET", "datasets?search=Sample").json()["results"][0]
    image = platform.api("GET", f"datasets/{dataset['id']}/images?split=test").json()["results"][0]
    path = folder / "shapes.jpg"
    path.write_bytes(platform.api("GET", image["url"]).content)
    return path


def token_from_the_page(page, platform):
    page.goto(f"{platform.url}/account/tokens")
    page.get_by_label("Name").fill("road")
    page.get_by_role("button", name="Make a token").click()
    return page.locator("#new-key").text_content()
