"""The labelling workspace: undo and redo over everything, and the revisions that the server keeps."""

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import box, eventually, labels, make_dataset, rect, save

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


def test_undo_and_redo_go_over_every_kind_of_change(label, platform):
    dataset = make_dataset(platform, boxes=[box(2, x=0.9, y=0.9)])
    save(platform, dataset, 1, [box(0, x=0.3, y=0.3)])
    here = label(dataset, n=1)
    states = [here.shapes()]

    def did(work):
        work()
        states.append(here.shapes())
        assert states[-1] != states[-2]

    did(lambda: here.drag(0.6, 0.6, 0.8, 0.8))
    did(lambda: here.press("2"))
    did(lambda: here.press("ArrowRight"))
    did(lambda: here.press("Control+d"))
    did(lambda: here.press("Control+c", "Control+v"))
    here.press("v")
    did(lambda: here.drag(0.3, 0.3, 0.4, 0.3))
    did(lambda: here.drag(0.5, 0.4, 0.55, 0.45))
    did(lambda: here.press("Control+a", "3"))
    did(lambda: here.press("r") or here.page.wait_for_function("workspace.store.shapes.length === 5"))
    did(lambda: here.press("Control+a", "Delete"))
    last = len(states) - 1
    for n in range(last - 1, -1, -1):
        here.press("Control+z")
        assert here.shapes() == states[n], f"undo to {n}"
    here.press("Control+z")
    here.toast("Nothing to undo")
    assert [rect(one) for one in here.server(1)] == [(0.2, 0.2, 0.4, 0.4)]
    for n in range(1, last):
        here.press("Control+y" if n % 2 else "Control+Shift+z")
        assert here.shapes() == states[n], f"redo to {n}"
    assert len(here.server(1)) == 5
    here.press("Escape")
    here.page.get_by_role("button", name="Undo", exact=True).click()
    assert len(here.server(1)) == 4


def test_undo_still_knows_an_image_that_was_left_and_come_back_to(label, platform):
    here = label(make_dataset(platform))
    here.drag(0.2, 0.2, 0.5, 0.5)
    here.press("d")
    here.shown(1)
    here.drag(0.6, 0.6, 0.9, 0.9)
    here.saved().press("a")
    here.shown(0)
    here.press("Control+z")
    assert here.server(0) == []
    here.press("d")
    here.shown(1)
    here.press("Control+z")
    assert here.server(1) == []


def test_no_objects_on_an_image_with_boxes_can_be_undone(label, platform):
    here = label(dataset := make_dataset(platform, boxes=[box(), box(1, x=0.2)]))
    here.press("n")
    here.shown(1)
    assert here.server(0) == []
    assert labels(platform, dataset)["state"] == "labelled"
    here.press("a")
    here.shown(0)
    here.press("Control+z")
    assert len(here.server(0)) == 2


def test_revisions_are_shown_on_the_canvas_and_restored_as_a_new_one(label, platform):
    dataset = make_dataset(platform, boxes=[box(0)])
    save(platform, dataset, 0, [box(1, x=0.2), box(1, x=0.5), box(1, x=0.8)])
    here = label(dataset)
    page = here.page
    page.get_by_role("tab", name="History").click()
    rows = page.locator(".ws-revision")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("#2")
    expect(rows.nth(0)).to_contain_text("demo")
    expect(rows.nth(0)).to_contain_text("3 shapes")
    grey = [128, 128, 128]
    assert here.colour_at(0.1, 0.5) != grey
    rows.nth(1).click()
    expect(page.locator("#preview-name")).to_have_text("Revision 1")
    eventually(lambda: (here.colour_at(0.1, 0.55) == grey, here.colour_at(0.4, 0.55) == grey), (True, False))
    here.drag(0.1, 0.1, 0.3, 0.3)
    assert here.count() == 3, "an old revision cannot be drawn on"
    page.get_by_role("button", name="Back to now").click()
    eventually(lambda: here.colour_at(0.1, 0.55) == grey, False)
    rows.nth(1).click()
    page.get_by_role("button", name="Restore").click()
    here.toast("Revision 1 restored")
    assert [one["class_name"] for one in here.server()] == ["bolt"]
    assert labels(platform, dataset)["revision"] == 3
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("Restored")
    here.drag(0.1, 0.1, 0.3, 0.3)
    assert len(here.server()) == 2, "work goes on after a restore"
    here.press("Control+z", "Control+z")
    assert len(here.server()) == 3, "undo takes the restore back too"
