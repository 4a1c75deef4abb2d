"""The labelling workspace: making and changing boxes and polygons, with the mouse and the keys."""

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import SIZE, box, make_dataset, rect

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


def test_a_drag_draws_a_box_of_the_current_class_and_the_tool_stays(label, platform):
    here = label(make_dataset(platform))
    here.state("Unlabelled")
    here.drag(0.1, 0.1, 0.3, 0.4)
    here.drag(0.9, 0.8, 0.6, 0.5)
    assert [rect(shape) for shape in here.shapes()] == [(0.1, 0.1, 0.3, 0.4), (0.6, 0.5, 0.9, 0.8)]
    assert here.tool() == "Draw a box"
    assert here.page.locator("dialog").count() == 0
    here.state("Labelled")
    labels = here.server()
    assert [rect(one) for one in labels] == [(0.1, 0.1, 0.3, 0.4), (0.6, 0.5, 0.9, 0.8)]
    assert {(one["class_name"], one["source"]) for one in labels} == {("bolt", "manual")}


def test_a_click_draws_nothing_and_a_drag_beyond_the_edge_stays_in_the_image(label, platform):
    here = label(make_dataset(platform))
    here.click(0.5, 0.5)
    assert here.shapes() == []
    here.drag(0.8, 0.8, 1.03, 1.03)
    assert rect(here.shapes()[0]) == (0.8, 0.8, 1, 1)
    assert len(here.server()) == 1


def test_a_digit_gives_the_selection_its_class_and_the_next_box_too(label, platform):
    here = label(make_dataset(platform))
    here.drag(0.1, 0.1, 0.3, 0.3)
    here.press("3")
    here.drag(0.5, 0.1, 0.7, 0.3)
    here.press("Escape", "2")
    here.drag(0.1, 0.5, 0.3, 0.7)
    assert [one["class_name"] for one in here.server()] == ["washer", "washer", "nut"]


def test_a_drag_moves_a_box_and_stops_at_the_edge(label, platform):
    here = label(make_dataset(platform, boxes=[box(x=0.3, y=0.3)]))
    here.press("v")
    here.drag(0.3, 0.3, 0.5, 0.6)
    assert rect(here.shapes()[0]) == (0.4, 0.5, 0.6, 0.7)
    here.drag(0.5, 0.6, 0.99, 0.99)
    assert rect(here.shapes()[0]) == (0.8, 0.8, 1, 1)
    assert [rect(one) for one in here.server()] == [(0.8, 0.8, 1, 1)]


def test_each_of_the_eight_handles_resizes(label, platform):
    here = label(make_dataset(platform, boxes=[box(width=0.4, height=0.4)]))
    here.press("v")
    here.click(0.5, 0.5)
    edges = {-1: 0.3, 0: 0.5, 1: 0.7}
    for x, y in [(x, y) for x in edges for y in edges if x or y]:
        here.drag(edges[x], edges[y], edges[x] + 0.1 * x, edges[y] + 0.1 * y)
        wanted = (0.3 - 0.1 * (x < 0), 0.3 - 0.1 * (y < 0), 0.7 + 0.1 * (x > 0), 0.7 + 0.1 * (y > 0))
        assert rect(here.shapes()[0]) == pytest.approx(wanted, abs=0.002), (x, y)
        here.press("Control+z")
    here.drag(0.7, 0.7, 0.6, 0.55)
    assert rect(here.server()[0]) == (0.3, 0.3, 0.6, 0.55)


def test_arrows_nudge_the_selection_by_one_pixel_of_the_image_and_with_shift_by_ten(label, platform):
    here = label(make_dataset(platform, boxes=[box()]))
    here.press("v")
    here.click(0.5, 0.5)
    here.press("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowRight", "ArrowUp")
    (saved,) = here.server()
    assert saved["x_center"] * SIZE[0] == pytest.approx(0.5 * SIZE[0] + 11, abs=0.01)
    assert saved["y_center"] * SIZE[1] == pytest.approx(0.5 * SIZE[1] + 10, abs=0.01)


def test_a_selection_is_duplicated_and_deleted(label, platform):
    here = label(make_dataset(platform, boxes=[box(2)]))
    here.press("v")
    here.click(0.5, 0.5)
    here.press("Control+d")
    first, second = here.server()
    assert second["class_name"] == "washer"
    assert second["width"] == pytest.approx(first["width"])
    assert second["x_center"] > first["x_center"]
    here.press("Delete")
    assert [one["id"] for one in here.server()] == [first["id"]]
    here.click(0.5, 0.5)
    here.press("Backspace")
    assert here.server() == []


def test_copied_boxes_are_pasted_on_the_same_image_aside_and_on_another_in_their_place(label, platform):
    here = label(make_dataset(platform, boxes=[box(1, x=0.3), box(2, x=0.7)]))
    here.press("Control+a", "Control+c", "Control+v")
    assert here.count() == 4
    assert rect(here.shapes()[2]) != rect(here.shapes()[0])
    here.press("Escape", "d")
    here.shown(1)
    here.press("Control+v")
    pasted = here.server(1)
    assert [(one["class_name"], rect(one)) for one in pasted] == [
        ("nut", (0.2, 0.4, 0.4, 0.6)), ("washer", (0.6, 0.4, 0.8, 0.6)),
    ]  # fmt: skip
    assert len(here.server(0)) == 4


def test_a_marquee_selects_what_it_touches_and_control_a_everything(label, platform):
    here = label(make_dataset(platform, boxes=[box(x=0.2, y=0.2), box(x=0.2, y=0.6), box(x=0.8, y=0.8)]))
    here.press("v")
    here.drag(0.05, 0.05, 0.35, 0.95)
    assert len(here.selected()) == 2
    here.press("2")
    assert [one["class_name"] for one in here.server()] == ["nut", "nut", "bolt"]
    here.press("Control+a", "3")
    assert {one["class_name"] for one in here.server()} == {"washer"}


def test_tab_walks_the_shapes_and_leaves_the_canvas_after_the_last(label, platform):
    here = label(make_dataset(platform, boxes=[box(x=0.2), box(x=0.5), box(x=0.8)]))
    here.press("v", "Tab", "Tab")
    assert [shape["x"] for shape in here.selected()] == [0.5]
    here.press("Tab")
    assert [shape["x"] for shape in here.selected()] == [0.8]
    here.press("Shift+Tab")
    assert [shape["x"] for shape in here.selected()] == [0.5]
    here.press("Tab", "Tab")
    assert here.selected() == []
    assert here.page.evaluate("document.activeElement.id") != "layer-overlay"


def test_clicking_again_picks_the_box_below(label, platform):
    here = label(make_dataset(platform, boxes=[box(0, width=0.3), box(1, width=0.4), box(2, width=0.5)]))
    here.press("v")
    picked = []
    for _ in range(4):
        here.click(0.5, 0.5)
        picked += [shape["class_id"] for shape in here.selected()]
    assert sorted(picked[:3]) == [0, 1, 2]
    assert picked[3] == picked[0]


def test_a_polygon_is_drawn_edited_undone_saved_and_shown_in_the_gallery(label, platform):
    here = label(make_dataset(platform))
    here.press("y")
    for point in [(0.2, 0.2), (0.6, 0.2), (0.6, 0.6), (0.3, 0.7), (0.1, 0.9)]:
        here.click(*point)
    here.press("Backspace", "Enter")  # the last point is taken back
    assert [len(shape["points"]) for shape in here.selected()] == [4]
    here.press("v")
    here.page.mouse.dblclick(*here.at(0.4, 0.2))
    assert len(here.selected()[0]["points"]) == 5
    here.drag(0.4, 0.2, 0.4, 0.1)
    assert rect(here.selected()[0]) == (0.2, 0.1, 0.6, 0.7)
    here.press("Delete")
    assert len(here.selected()[0]["points"]) == 4, "Delete takes the point that was touched last, not the shape"
    here.press("Control+z")
    (saved,) = here.server()
    wanted = [[0.2, 0.2], [0.4, 0.1], [0.6, 0.2], [0.6, 0.6], [0.3, 0.7]]
    assert [[round(v, 2) for v in point] for point in saved["points"]] == wanted
    assert rect(saved) == (0.2, 0.1, 0.6, 0.7)
    here.page.goto(f"{platform.url}/datasets/{here.dataset['id']}/")
    drawn = here.page.locator("#gallery .frame polygon")
    expect(drawn).to_have_count(1)
    assert len(drawn.get_attribute("points").split()) == 5


def test_the_first_point_closes_a_polygon_and_escape_gives_it_up(label, platform):
    here = label(make_dataset(platform))
    here.press("y")
    for point in [(0.2, 0.2), (0.6, 0.2), (0.4, 0.6), (0.2, 0.2)]:
        here.click(*point)
    assert [shape["type"] for shape in here.shapes()] == ["polygon"]
    here.click(0.7, 0.7)
    here.click(0.8, 0.7)
    here.press("Escape")
    assert here.count() == 1
    assert here.tool() == "Draw a polygon"
    assert len(here.server()) == 1


def test_a_box_needs_a_class_and_the_page_says_so(label, platform):
    here = label(make_dataset(platform, class_names=[]))
    expect(here.page.locator("#classes")).to_have_text("No class yet. Add one, then drag on the image to draw.")
    here.drag(0.2, 0.2, 0.5, 0.5)
    assert here.count() == 0
    here.toast("Add a class first")
    here.page.keyboard.type("gear\n")
    expect(here.page.locator("#classes")).to_contain_text("gear")
    here.drag(0.2, 0.2, 0.5, 0.5)
    assert [one["class_name"] for one in here.server()] == ["gear"]
