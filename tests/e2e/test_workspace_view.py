"""The labelling workspace: zoom, pan, fingers, light, what is hidden and what is locked."""

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import box, make_dataset, rect

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


def test_the_wheel_zooms_at_the_pointer_and_the_keys_fit_and_show_every_pixel(label, platform):
    here = label(make_dataset(platform))
    fitted = here.view()
    spot = here.at(0.3, 0.7)
    here.page.mouse.move(*spot)
    here.page.mouse.wheel(0, -400)
    here.page.wait_for_function(f"workspace.view.scale > {fitted['scale']} * 1.5")
    assert here.at(0.3, 0.7) == pytest.approx(spot, abs=1)
    assert here.at(0.8, 0.7) != pytest.approx(spot, abs=50)
    here.press("Control+0")
    assert here.view() == fitted
    here.press("z")
    assert here.view()["scale"] == 1
    expect(here.page.locator("#zoom")).to_have_text("100 %")
    here.press("v")
    here.page.mouse.dblclick(*here.at(0.9, 0.9))
    assert here.view() == fitted


def test_space_and_the_middle_button_pan_and_draw_nothing(label, platform):
    here = label(make_dataset(platform))
    here.press("z")
    before = here.view()
    here.page.keyboard.down("Space")
    here.drag(0.2, 0.2, 0.5, 0.4)
    here.page.keyboard.up("Space")
    moved = here.view()
    assert (moved["tx"] - before["tx"], moved["ty"] - before["ty"]) == pytest.approx((96, 48), abs=1.5)
    here.drag(0.5, 0.5, 0.4, 0.3, button="middle")
    assert here.view()["tx"] == pytest.approx(moved["tx"] - 32, abs=1.5)
    assert here.count() == 0
    here.drag(0.2, 0.2, 0.5, 0.4)
    assert rect(here.shapes()[0]) == pytest.approx((0.2, 0.2, 0.5, 0.4), abs=0.005)


def fingers(page):
    """`touch(type, *points)`: real touch events of several fingers."""
    session = page.context.new_cdp_session(page)

    def touch(kind, *points):
        found = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": found})

    return touch


def test_two_fingers_zoom_and_one_draws(label, platform):
    here = label(make_dataset(platform), has_touch=True, viewport={"width": 1024, "height": 768})
    touch = fingers(here.page)
    before = here.view()["scale"]
    touch("touchStart", (400, 300))
    touch("touchStart", (400, 300), (500, 300))
    touch("touchMove", (350, 300), (600, 300))
    touch("touchEnd")
    here.page.wait_for_function(f"workspace.view.scale > {before} * 2")
    assert here.count() == 0, "the first finger of a pinch leaves no box"
    here.press("Control+0")
    start, middle, end = here.at(0.2, 0.2), here.at(0.4, 0.4), here.at(0.6, 0.7)
    touch("touchStart", start)
    touch("touchMove", middle)
    touch("touchMove", end)
    touch("touchEnd")
    assert [rect(one) for one in here.server()] == [pytest.approx((0.2, 0.2, 0.6, 0.7), abs=0.005)]


def test_brightness_and_contrast_change_what_is_painted_and_are_set_back(label, platform):
    here = label(make_dataset(platform))
    assert here.colour_at(0.5, 0.5) == [128, 128, 128]
    here.page.get_by_label("Brightness and contrast").click()
    here.page.get_by_label("Brightness", exact=True).fill("150")
    assert here.colour_at(0.5, 0.5) == pytest.approx([192] * 3, abs=2)
    here.page.get_by_label("Contrast", exact=True).fill("200")
    assert here.colour_at(0.5, 0.5) == [255, 255, 255]
    here.page.get_by_role("button", name="Reset").click()
    assert here.colour_at(0.5, 0.5) == [128, 128, 128]


def test_boxes_of_a_class_the_selection_and_all_can_be_hidden(label, platform):
    here = label(make_dataset(platform, boxes=[box(0, x=0.2), box(1, x=0.5), box(1, x=0.8)]))
    grey, edges = [128, 128, 128], [(0.1, 0.55), (0.4, 0.55), (0.7, 0.55)]

    def painted():
        return [here.colour_at(*edge) != grey for edge in edges]

    assert painted() == [True, True, True]
    here.page.get_by_role("button", name="Hide nut").click()
    assert painted() == [True, False, False]
    here.page.get_by_role("button", name="Hide nut").click()
    here.press("v")
    here.click(0.8, 0.5)
    here.press("h", "Escape")
    assert painted() == [True, True, False]
    here.press("Shift+h")
    assert painted() == [False, False, False]
    here.click(0.5, 0.5)
    assert here.selected() == [], "what is hidden cannot be hit"
    here.press("Shift+h")
    assert painted() == [True, True, False]
    assert len(here.server()) == 3


def test_what_is_locked_is_neither_moved_nor_deleted(label, platform):
    here = label(make_dataset(platform, boxes=[box(x=0.2), box(x=0.8)]))
    here.press("v")
    here.click(0.2, 0.5)
    here.press("l")
    here.drag(0.2, 0.5, 0.4, 0.5)
    here.press("2", "Control+a", "Delete")
    here.toast("1 locked and kept")
    assert [(one["class_name"], rect(one)) for one in here.server()] == [("bolt", (0.1, 0.4, 0.3, 0.6))]
    here.press("Shift+l", "Control+a", "Delete")
    assert here.server() == []


def test_a_crosshair_follows_the_pointer_while_drawing(label, platform):
    here = label(make_dataset(platform))
    x, y = here.at(0.4, 0.6)
    here.page.mouse.move(x, y)
    upright = here.page.locator("#crosshair-x")
    level = here.page.locator("#crosshair-y")
    expect(upright.or_(level).first).to_be_visible()
    places = [line.bounding_box() for line in (upright, level)]
    assert min(abs(place["x"] - x) for place in places) <= 1.5
    assert min(abs(place["y"] - y) for place in places) <= 1.5
    here.press("v")
    here.page.mouse.move(x + 5, y)
    expect(upright).to_be_hidden()
    expect(level).to_be_hidden()


def test_the_list_of_boxes_selects_highlights_and_stays_short_for_a_thousand(label, platform):
    crowd = [box(n % 3, x=0.02 + 0.96 * (n % 40) / 40, y=0.03 + 0.94 * (n // 40) / 25, width=0.02, height=0.03)
             for n in range(1000)]  # fmt: skip
    here = label(make_dataset(platform, boxes=crowd))
    rows = here.page.locator("#boxes .ws-row-main")
    expect(here.page.locator("#box-count")).to_have_text("1000")
    assert rows.count() < 60
    rows.nth(2).click()
    assert [shape["class_id"] for shape in here.selected()] == [2]
    rows.nth(4).hover()
    assert here.page.evaluate("workspace.renderer.hover === workspace.store.shapes[4].key")
    here.page.locator("#boxes").evaluate("list => list.scrollTop = list.scrollHeight")
    expect(rows.last).to_have_attribute("aria-label", "1000: bolt")


@pytest.mark.parametrize("size", [(1280, 720), (3840, 2160), (390, 844)])
def test_nothing_sticks_out_of_the_window(label, platform, size):
    here = label(make_dataset(platform, boxes=[box()]), viewport=dict(zip(("width", "height"), size, strict=True)))
    page = here.page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for selector in ("#layer-overlay", "#save-state", "[data-action='tool.box']", "#position"):
        area = page.locator(selector).bounding_box()
        assert area["x"] >= 0, selector
        assert area["x"] + area["width"] <= size[0], selector
        assert area["width"] >= 8, selector
    here.drag(0.1, 0.1, 0.3, 0.3)
    assert len(here.server()) == 2
