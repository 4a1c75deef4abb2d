"""The statistics page in a browser: charts are drawn, a bar leads to its images, the numbers are there as a table."""

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import box, make_dataset, save

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


@pytest.fixture
def page(open_browser, platform):
    """The statistics of a dataset with three classes, two of them used, on three images."""
    dataset = make_dataset(platform, boxes=[box(0, x=0.2), box(0, x=0.5), box(1, x=0.8)])
    save(platform, dataset, 1, [box(0, x=0.3)])
    page = open_browser()
    page.goto(f"{platform.url}/datasets/{dataset['id']}/statistics")
    expect(figure(page, "boxes-per-class").locator(".point")).to_have_count(3)
    return page


def figure(page, name):
    return page.locator(f'[data-figure="{name}"]')


def test_every_chart_is_drawn_from_what_the_server_counted(page):
    for name in (
        "images-per-class",
        "positions",
        "together",
        "boxes-per-image",
        "box-sizes",
        "box-shapes",
        "image-sizes",
    ):
        expect(figure(page, name).locator(".main-svg").first).to_be_visible()
    expect(page.get_by_text("No box yet: “washer”.")).to_be_visible()
    expect(page.locator("[data-number=boxes]")).to_have_text("4")


def test_a_bar_leads_to_the_images_of_its_class(page):
    bar = figure(page, "boxes-per-class").locator(".point").nth(1)
    bar.scroll_into_view_if_needed()
    place = bar.bounding_box()
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    page.wait_for_url("**/datasets/*/?class_id=1&split=none")
    expect(page.locator("#gallery")).to_be_visible()


def test_the_numbers_are_a_table_with_links(page):
    card = figure(page, "boxes-per-class")
    card.get_by_text("Numbers").click()
    expect(card.get_by_role("row", name="bolt")).to_contain_text("3")
    assert card.get_by_role("link", name="nut").get_attribute("href").endswith("/?class_id=1")


def test_the_map_of_one_class_is_asked_for(page):
    page.get_by_label("Class", exact=True).select_option(label="nut")
    expect(figure(page, "positions").locator("[data-note]")).to_have_text("1 box of “nut”.")
    page.get_by_label("Class", exact=True).select_option(label="All classes")
    expect(figure(page, "positions").locator("[data-note]")).to_have_text("4 boxes of all classes.")


def test_a_large_dataset_is_counted_by_the_worker_and_the_page_shows_it_by_itself(open_browser, platform):
    some = [box(n % 3, x=0.1 + n % 700 / 1000, y=0.1 + n // 700 / 20) for n in range(10_000)]
    dataset = make_dataset(platform, boxes=some)
    save(platform, dataset, 1, some)
    save(platform, dataset, 2, some[:100])
    page = open_browser()
    page.goto(f"{platform.url}/datasets/{dataset['id']}/statistics")
    expect(page.get_by_text("Being counted for the first time")).to_be_visible()
    expect(figure(page, "boxes-per-class").locator(".point")).to_have_count(3, timeout=30_000)
    expect(page.locator("[data-number=boxes]")).to_have_text("20,100")
    expect(page.get_by_text("nothing changed since")).to_be_visible()
