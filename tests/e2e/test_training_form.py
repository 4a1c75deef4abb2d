"""Configuring a training: a preset fills the form, what to expect follows, augmentation is seen as it is set."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import box, make_dataset, save

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


@pytest.fixture
def form(open_browser, platform):
    """The form for a dataset of two labelled images, one of them for validation."""
    dataset = make_dataset(platform, boxes=[box(0, x=0.2), box(0, x=0.5), box(1, x=0.8)])
    save(platform, dataset, 1, [box(0, x=0.3), box(1, y=0.2)])
    for image, split in zip(dataset["images"], ("train", "val"), strict=False):
        platform.api("PATCH", f"datasets/{dataset['id']}/images/{image}", json={"split": split})
    page = open_browser("demo")
    page.goto(f"{platform.url}/training/new?dataset={dataset['id']}")
    return page


def test_a_preset_fills_the_form_and_settings_say_at_once_what_to_expect(form):
    form.get_by_role("link", name="Best").click()
    expect(form.locator("[data-preset-says]")).to_contain_text("300 epochs")
    expect(form.get_by_label("Epochs", exact=True)).to_have_value("300")
    plan = form.locator("#plan")
    expect(plan).to_contain_text("million")
    form.get_by_label("Model", exact=True).select_option("rtdetr-x")
    expect(plan).to_contain_text("Apache-2.0")
    form.get_by_label("Image size").fill("100")
    form.get_by_label("Image size").press("Tab")
    expect(plan).to_contain_text("the nearest are 96 and 128")


def test_moving_a_slider_draws_the_images_again(form):
    picture = form.locator("#preview-image img")
    form.locator("#augmentation").scroll_into_view_if_needed()
    expect(picture).to_be_visible(timeout=120_000)
    before = picture.get_attribute("src")
    form.get_by_label("Rotate").fill("90")
    expect(picture).not_to_have_attribute("src", before, timeout=60_000)
    form.wait_for_function("document.querySelector('#preview-image img').naturalWidth > 200")
    expect(form.locator("#preview-status")).to_contain_text(re.compile("drawn by ultralytics"))
