"""The wall of crops: wrong labels of a class spotted at a glance, changed or deleted many at once, and taken back."""

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import box, labels, make_dataset, save

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


@pytest.fixture
def wall(open_browser, platform):
    """`wall(dataset, class_id, username)`: the wall of a class."""

    def opened(dataset, class_id=0, username="demo"):
        page = open_browser(username)
        page.goto(f"{platform.url}/datasets/{dataset['id']}/crops?class_id={class_id}")
        expect(page.locator("[data-more]")).not_to_have_text("Loading…")
        return page

    return opened


@pytest.fixture
def bolts(platform):
    """Five bolts and a nut on two images."""
    dataset = make_dataset(platform, boxes=[box(0, x=0.2), box(0, x=0.5), box(0, x=0.8)], is_public=True)
    save(platform, dataset, 1, [box(0, x=0.3), box(0, x=0.7), box(1, y=0.2)])
    return dataset


def crops(page):
    return page.get_by_role("listbox", name="Crops").get_by_role("option")


def classes_of(platform, dataset):
    return [[one["class_name"] for one in labels(platform, dataset, n)["annotations"]] for n in range(2)]


def test_the_boxes_of_a_class_are_shown_and_another_class_is_chosen(wall, platform, bolts):
    page = wall(bolts)
    expect(crops(page)).to_have_count(5)
    expect(page.locator("[data-count]")).to_have_text("5 boxes")
    page.wait_for_function("[...document.querySelectorAll('#wall img')].every(i => i.complete && i.naturalWidth > 20)")
    page.get_by_label("Class shown").select_option(label="nut")
    expect(crops(page)).to_have_count(1)
    assert page.url.endswith("?class_id=1")
    page.get_by_label("Class shown").select_option(label="washer")
    expect(page.locator("[data-more]")).to_have_text("No box of this class.")


def test_many_get_another_class_by_a_key_and_control_z_takes_it_back(wall, platform, bolts):
    page = wall(bolts)
    crops(page).nth(0).click()
    crops(page).nth(2).click(modifiers=["Shift"])
    expect(page.locator("[data-selected]")).to_have_text("3 chosen")
    page.keyboard.press("3")
    expect(crops(page)).to_have_count(2)
    assert classes_of(platform, bolts) == [["bolt", "bolt", "washer"], ["washer", "washer", "nut"]]
    page.keyboard.press("Control+z")
    expect(crops(page)).to_have_count(5)
    assert sorted(map(sorted, classes_of(platform, bolts))) == [["bolt"] * 3, ["bolt", "bolt", "nut"]]
    crops(page).nth(4).click()
    page.get_by_label("Change the class of the chosen crops to").select_option(label="nut")
    expect(crops(page)).to_have_count(4)
    assert classes_of(platform, bolts)[0].count("nut") == 1


def test_many_are_deleted_and_brought_back_by_the_button(wall, platform, bolts):
    page = wall(bolts)
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    expect(crops(page)).to_have_count(0)
    assert classes_of(platform, bolts) == [[], ["nut"]]
    page.get_by_role("button", name="Undo").click()
    expect(crops(page)).to_have_count(5)
    assert sorted(map(len, classes_of(platform, bolts))) == [3, 3]


def test_undo_says_what_somebody_changed_since(wall, platform, bolts):
    page = wall(bolts)
    page.keyboard.press("Control+a")
    page.keyboard.press("2")
    expect(crops(page)).to_have_count(0)
    save(platform, bolts, 0, [box(2)])
    page.keyboard.press("Control+z")
    expect(page.locator("[data-error]")).to_contain_text("1 image was changed by someone since")
    expect(crops(page)).to_have_count(2)
    assert classes_of(platform, bolts)[0] == ["washer"]


def test_a_long_wall_is_loaded_as_it_is_scrolled_and_stays_where_it_is_after_a_change(wall, platform):
    crowd = [box(0, x=0.02 + n % 30 / 31, y=0.05 + n // 30 / 12, width=0.03, height=0.05) for n in range(300)]
    page = wall(make_dataset(platform, boxes=crowd))
    expect(page.locator("[data-count]")).to_have_text("120+ boxes")
    page.mouse.move(600, 500)
    page.mouse.wheel(0, 20_000)
    expect(page.locator("[data-count]")).to_have_text("240+ boxes")
    crops(page).nth(200).scroll_into_view_if_needed()
    crops(page).nth(200).click()
    top = page.evaluate("scrollY")
    assert top > 300
    page.keyboard.press("Delete")
    expect(page.locator("[data-selected]")).to_have_text("")
    assert page.evaluate("scrollY") == pytest.approx(top, abs=5)
    page.keyboard.press("Control+z")
    page.wait_for_function(f"document.querySelector('[data-undo]').disabled && Math.abs(scrollY - {top}) < 6")
    assert crops(page).count() >= 240


def test_a_double_click_opens_the_image(wall, platform, bolts):
    page = wall(bolts, class_id=1)
    crops(page).first.dblclick()
    page.wait_for_url(f"**/label?image={bolts['images'][1]}")


def test_the_keyboard_opens_the_image_too(wall, platform, bolts):
    page = wall(bolts, class_id=1)
    crops(page).first.focus()
    page.keyboard.press("o")
    page.wait_for_url(f"**/label?image={bolts['images'][1]}")


def test_a_reader_looks_and_changes_nothing(wall, platform, bolts):
    page = wall(bolts, username="reader")
    crops(page).first.click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("2")
    expect(page.locator("[data-wall] [aria-selected=true]")).to_have_count(0)
    expect(crops(page)).to_have_count(5)
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    assert classes_of(platform, bolts) == [["bolt"] * 3, ["bolt", "bolt", "nut"]]


def test_markup_in_a_class_name_is_shown_as_text(wall, platform):
    markup = "<img src=x onerror=alert(1)>"
    page = wall(make_dataset(platform, class_names=[markup], boxes=[box()]))
    expect(crops(page).first).to_have_attribute("title", f"{markup}, manual")
    assert page.locator("img[src=x]").count() == 0
