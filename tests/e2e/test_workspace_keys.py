"""The labelling workspace: the list of keys, keys of one's own, and work without a pointer."""

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import SIZE, box, make_dataset

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
KEYS = {
    "Draw a box": "W", "Next image": "D", "Next unlabelled image": "Shift+D", "Undo": "Ctrl+Z", "This list": "?",
    "No objects here, and next": "N", "Pre-label this image": "P",
}  # fmt: skip
UNNAMED = """[...document.querySelectorAll("button, input, select, a, summary, canvas[tabindex]")].filter((control) =>
  !(control.getAttribute("aria-label") || control.textContent.trim() || control.labels?.length))
  .map((control) => control.outerHTML)"""


@pytest.fixture
def here(label, platform):
    """The workspace with one image, and the keys set back afterwards: they are kept for the person."""
    yield label(make_dataset(platform, boxes=[box()]))
    assert platform.api("PUT", "auth/me/keymap", json={"keymap": {}}).ok


def row_of(page, action):
    return page.locator(".ws-key-row").filter(has=page.locator("dt", has_text=re.compile(f"^{re.escape(action)}$")))


def test_the_question_mark_lists_every_key_as_it_is_now(here):
    here.press("?")
    dialog = here.page.get_by_role("dialog", name="Keys")
    for action, key in KEYS.items():
        expect(row_of(here.page, action).locator(".ws-key").first).to_have_text(key)
    here.press("d")
    expect(here.page.locator("#position")).to_have_value("1")
    here.press("Escape")
    expect(dialog).to_be_hidden()
    here.press("d")
    here.shown(1)


def test_a_key_is_changed_after_a_warning_and_holds_after_a_reload(here):
    page = here.page
    here.press("?")
    row_of(page, "Draw a polygon").locator(".ws-key").first.click()
    here.press("n")
    note = page.locator(".ws-keys-note")
    expect(note).to_contain_text("N already does “No objects here, and next”")
    note.get_by_role("button", name="Leave it").click()
    expect(row_of(page, "Draw a polygon").locator(".ws-key").first).to_have_text("Y")
    row_of(page, "Draw a polygon").locator(".ws-key").first.click()
    here.press("n")
    with page.expect_response(lambda answer: answer.url.endswith("/keymap") and answer.request.method == "PUT") as kept:
        note.get_by_role("button", name="Take it from there").click()
    assert kept.value.ok
    here.press("Escape", "n")
    assert here.tool() == "Draw a polygon"
    page.reload()
    here.shown(0)
    here.press("n")
    assert here.tool() == "Draw a polygon"
    assert here.page.locator("[data-action='tool.polygon']").get_attribute("title") == "Draw a polygon (N)"
    expect(page.locator("#position")).to_have_value("1")


def test_a_preset_brings_the_keys_of_another_tool_and_holds_after_a_reload(here):
    here.press("?")
    with here.page.expect_response("**/keymap"):
        here.page.get_by_label("Like").select_option("CVAT")
    expect(row_of(here.page, "Draw a box").locator(".ws-key").first).to_have_text("N")
    here.press("Escape")
    here.page.reload()
    here.shown(0)
    here.press("f")
    here.shown(1)
    here.press("d")
    here.shown(0)


def test_an_image_is_labelled_with_keys_alone(label, platform):
    here = label(make_dataset(platform))
    here.press(
        "2", "Shift+W", *["ArrowLeft"] * 3, *["Shift+ArrowUp"] * 2, *["Control+ArrowRight"] * 2, "Control+ArrowUp"
    )
    here.press("Escape", "Shift+W", "3", "Control+s")
    first, second = here.server()
    assert (first["class_name"], second["class_name"]) == ("nut", "washer")
    left, top = (first["x_center"] - first["width"] / 2) * SIZE[0], (first["y_center"] - first["height"] / 2) * SIZE[1]
    assert (left, top) == pytest.approx((0.4 * SIZE[0] - 3, 0.4 * SIZE[1] - 20), abs=0.01)
    assert first["width"] * SIZE[0] == pytest.approx(0.2 * SIZE[0] + 8, abs=0.01)
    assert first["height"] * SIZE[1] == pytest.approx(0.2 * SIZE[1] - 4, abs=0.01)
    here.press("Tab", "Shift+Tab", "d")
    here.shown(1)


def test_every_control_has_a_name_and_can_be_reached_with_tab(label, platform):
    here = label(make_dataset(platform, boxes=[box()]))
    assert here.page.evaluate(UNNAMED) == []
    here.press("v")
    reached = set()
    for _ in range(60):
        here.press("Tab")
        reached.add(
            here.page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id")
        )
    assert {"State", "Class", "Keys", "Select", "Undo", "Pre-label this image", "New class", "tab-boxes", "1: bolt",
            "Hide bolt", "Image number"} <= reached | {"Undo"}  # fmt: skip
