"""The labelling workspace: from image to image, the filtered list, classes."""

import pytest
from playwright.sync_api import expect

from conftest import picture
from tests.e2e.labelling import box, labels, make_dataset, query_of, rect, save

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


def test_keys_buttons_and_the_filmstrip_go_from_image_to_image(label, platform):
    here = label(make_dataset(platform, count=4))
    here.press("d")
    here.shown(1)
    here.press("ArrowRight")
    here.shown(2)
    here.press("a")
    here.shown(1)
    here.press("ArrowLeft")
    here.shown(0)
    here.press("a")
    here.toast("first image")
    here.page.get_by_role("button", name="Next image").click()
    here.shown(1)
    here.page.locator("#filmstrip button").nth(3).click()
    here.shown(3)
    expect(here.page.locator("#filename")).to_have_text("part3.png")
    expect(here.page.locator("#position")).to_have_value("4")
    expect(here.page.locator("#filmstrip [aria-current]")).to_have_attribute("title", "part3.png (not labelled)")
    here.press("d")
    here.toast("last image")


def test_the_next_image_is_there_with_its_own_boxes_while_the_last_one_is_still_being_saved(label, platform):
    here = label(dataset := make_dataset(platform))
    save(platform, dataset, 1, [box(2)])
    here.page.reload()
    here.shown(0)
    here.drag(0.1, 0.1, 0.4, 0.4)
    here.press("d")
    here.shown(1)
    assert [shape["class_id"] for shape in here.shapes()] == [2]
    here.drag(0.7, 0.7, 0.9, 0.9)
    here.press("a")
    here.shown(0)
    assert here.count() == 1
    assert [rect(one) for one in here.server(0)] == [(0.1, 0.1, 0.4, 0.4)]
    assert len(labels(platform, dataset, 1)["annotations"]) == 2


def test_shift_d_goes_to_the_next_unlabelled_image(label, platform):
    dataset = make_dataset(platform, count=5)
    for n in (0, 1, 2):
        save(platform, dataset, n, [box()])
    here = label(dataset)
    here.press("Shift+d")
    here.shown(3)
    here.drag(0.1, 0.1, 0.4, 0.4)
    here.saved().press("Shift+d")
    here.shown(4)


def test_g_goes_to_the_image_of_a_number(label, platform):
    here = label(dataset := make_dataset(platform, count=4))
    here.press("g")
    here.page.keyboard.type("3\n")
    here.shown(2)
    assert query_of(here.page) == f"image={dataset['images'][2]}"
    here.press("g")
    here.page.keyboard.type("99\n")
    here.toast("There are 4 images")
    here.shown(2)


def test_r_copies_all_boxes_of_the_previous_image(label, platform):
    dataset = make_dataset(platform, boxes=[box(1, x=0.3), box(2, x=0.7)])
    here = label(dataset, n=1)
    here.drag(0.05, 0.05, 0.2, 0.2)
    here.press("r")
    here.toast("2 copied from part0.png")
    copied = here.server(1)
    assert [one["class_name"] for one in copied] == ["bolt", "nut", "washer"]
    assert {one["source"] for one in copied} == {"manual"}
    here.press("Control+z")
    assert len(here.server(1)) == 1
    assert len(labels(platform, dataset, 0)["annotations"]) == 2


def test_n_marks_an_image_as_empty_and_looking_alone_does_not(label, platform):
    here = label(dataset := make_dataset(platform))
    here.press("n")
    here.shown(1)
    here.saved().press("d")
    here.shown(2)
    here.saved()
    assert [labels(platform, dataset, n)["state"] for n in range(3)] == ["labelled", "unlabelled", "unlabelled"]
    here.press("a", "a")
    here.shown(0)
    here.state("Labelled")
    here.press("Control+z")
    here.state("Unlabelled")
    here.saved()
    assert labels(platform, dataset, 0)["state"] == "unlabelled"


def test_the_list_is_filtered_kept_over_a_reload_and_its_link_leads_a_colleague_there(label, platform, open_browser):
    dataset = make_dataset(platform, count=5, is_public=True)
    save(platform, dataset, 1, [box(1)])
    save(platform, dataset, 3, [box(2)])
    for n in (3, 4):
        platform.api("PATCH", f"datasets/{dataset['id']}/images/{dataset['images'][n]}/", json={"split": "val"})
    here = label(dataset)
    count, page = here.page.locator("#count"), here.page
    expect(count).to_have_text("5")
    page.get_by_label("State").select_option("labelled")
    here.shown(1)
    expect(count).to_have_text("2")
    page.get_by_label("Split").select_option("val")
    here.shown(3)
    expect(count).to_have_text("1")
    page.get_by_label("Split").select_option("")
    page.get_by_label("Class", exact=True).select_option(label="nut")
    here.shown(1)
    expect(count).to_have_text("1")
    page.get_by_label("Class", exact=True).select_option("")
    expect(count).to_have_text("2")
    here.press("d")
    here.shown(3)
    page.reload()
    here.shown(3)
    expect(page.get_by_label("State")).to_have_value("labelled")
    expect(page.locator("#position")).to_have_value("2")
    other = open_browser("colleague")
    other.goto(page.url)
    expect(other.locator("#filename")).to_have_text("part3.png")
    expect(other.locator("#position")).to_have_value("2")
    expect(other.locator("#count")).to_have_text("2")


def test_an_image_that_leaves_the_filter_can_still_be_gone_back_to(label, platform):
    here = label(make_dataset(platform, count=4), query="labeled=false")
    here.drag(0.2, 0.2, 0.5, 0.5)
    here.saved().press("d")
    here.shown(1)
    here.press("a")
    here.shown(0)
    expect(here.page.locator("#position")).to_have_value("1")
    here.page.reload()
    here.shown()
    expect(here.page.locator("#count")).to_have_text("3")


def test_a_filter_that_nothing_matches_says_so(label, platform):
    here = label(make_dataset(platform))
    here.page.get_by_label("State").select_option("reviewed")
    expect(here.page.locator("#stage-message")).to_contain_text("No image matches this filter")
    here.page.get_by_label("State").select_option("")
    expect(here.page.locator("#stage-message")).to_be_hidden()
    here.shown(0)


def test_a_dataset_without_images_says_what_to_do(label, platform, open_browser):
    dataset = make_dataset(platform, count=0)
    page = open_browser()
    page.goto(f"{platform.url}/datasets/{dataset['id']}/label")
    expect(page.locator("#stage-message")).to_contain_text("No images yet")
    page.get_by_role("link", name="Go to the dataset").click()
    page.wait_for_url(f"{platform.url}/datasets/{dataset['id']}/")


def test_a_class_is_added_here_and_is_the_one_that_is_drawn_next(label, platform):
    here = label(dataset := make_dataset(platform))
    field = here.page.get_by_label("New class")
    field.fill("gasket")
    field.press("Enter")
    expect(here.page.locator("#classes .is-current")).to_contain_text("gasket")
    here.drag(0.2, 0.2, 0.5, 0.5)
    assert [one["class_name"] for one in here.server()] == ["gasket"]
    assert platform.api("GET", f"datasets/{dataset['id']}/").json()["class_names"][-1] == "gasket"
    expect(here.page.locator("#classes .is-current .ws-count")).to_have_text("1")
    field.fill("bolt")
    field.press("Enter")
    here.toast("name:")
    assert here.page.locator("#classes li").count() == 4


def test_markup_in_names_is_shown_as_text(label, platform):
    markup = "<img src=x onerror=alert(1)>"
    dataset = make_dataset(platform, count=0, class_names=[markup], name=f"<b>{markup}")
    platform.api("POST", f"datasets/{dataset['id']}/images", files={"files": ("<i>a<u>.png", picture(seed=1))})
    found = platform.api("GET", f"datasets/{dataset['id']}/images").json()["results"]
    dataset["images"] = [image["id"] for image in found]
    save(platform, dataset, 0, [box()])
    here = label(dataset)
    page = here.page
    expect(page.locator("#classes .ws-row-name")).to_have_text(markup)
    expect(page.locator("#boxes .ws-row-name")).to_have_text(markup)
    expect(page.locator(".ws-back")).to_have_text(f"<b>{markup}")
    expect(page.locator("#filename")).to_have_text("<i>a<u>.png")
    assert page.title().startswith("<i>a<u>.png")
    assert page.locator("img[src=x], #filename i, #filename u, .ws-back b").count() == 0
