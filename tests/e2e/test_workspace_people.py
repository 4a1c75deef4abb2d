"""The labelling workspace: review, who else is here, two people on one image, and readers."""

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import box, labels, make_dataset, rect, save

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


def test_a_reviewer_accepts_or_sends_back_with_a_note_and_the_filter_knows(label, platform):
    dataset = make_dataset(platform, boxes=[box()])
    save(platform, dataset, 1, [box(1)])
    here = label(dataset)
    page = here.page
    here.press("Control+Enter")
    here.state("Reviewed")
    here.press("d")
    here.shown(1)
    page.get_by_role("button", name="Send back").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Note").fill("the nut is <b>cut</b> off")
    dialog.get_by_role("button", name="Send back").click()
    here.state("Sent back")
    assert [labels(platform, dataset, n)["state"] for n in range(2)] == ["reviewed", "needs_work"]
    for state, n in (("reviewed", 0), ("needs_work", 1)):
        page.get_by_label("State").select_option(state)
        here.shown(n)
        expect(page.locator("#count")).to_have_text("1")
    expect(page.locator("#review-note")).to_contain_text("the nut is <b>cut</b> off")
    here.drag(0.1, 0.1, 0.3, 0.3)
    here.saved().state("Labelled")
    expect(page.locator("#review-note")).to_be_hidden()
    path = f"datasets/{dataset['id']}/images/{dataset['images'][1]}/review"
    (review,) = platform.api("GET", path).json()["reviews"]
    assert (review["action"], review["note"], review["reviewer"]) == ("send_back", "the nut is <b>cut</b> off", "demo")
    page.goto(f"{platform.url}/datasets/{dataset['id']}/")
    expect(page.locator("body")).to_contain_text("demo")


def test_an_unlabelled_image_cannot_be_reviewed(label, platform):
    here = label(make_dataset(platform))
    here.press("Control+Enter")
    here.toast("not labelled yet")
    here.state("Unlabelled")


def test_a_review_speaks_of_what_is_seen_so_changes_are_saved_first(label, platform):
    here = label(dataset := make_dataset(platform))
    here.drag(0.2, 0.2, 0.5, 0.5)
    here.press("Control+Enter")
    here.state("Reviewed")
    found = labels(platform, dataset)
    assert (found["state"], len(found["annotations"])) == ("reviewed", 1)


def test_people_see_who_else_is_here(label, platform):
    dataset = make_dataset(platform, is_public=True)
    here = label(dataset)
    there = label(dataset, username="guest")
    people = there.page.get_by_role("group", name="Who else is here")
    expect(people).to_contain_text("demo also here")
    there.press("d")
    there.shown(1)
    expect(people.get_by_title("demo is on another image")).to_be_visible()
    expect(there.page.locator("#filmstrip button").first).to_have_text("D")
    here.press("d")
    expect(here.page.get_by_role("group", name="Who else is here")).to_contain_text("guest also here")


@pytest.fixture
def two(label, platform):
    """Two browsers on one image with one box: the second has saved a box that the first does not know, and draws."""

    def conflict():
        dataset = make_dataset(platform, boxes=[box(0, x=0.2, y=0.2)])
        first, second = label(dataset), label(dataset)
        second.drag(0.6, 0.1, 0.8, 0.3)
        second.saved()
        first.press("2")
        first.drag(0.6, 0.6, 0.8, 0.8)
        dialog = first.page.get_by_role("dialog", name="Two versions of this image")
        expect(dialog).to_be_visible()
        expect(first.page.locator("#save-state")).to_have_text("Conflict")
        assert len(labels(platform, dataset)["annotations"]) == 2, "nothing was overwritten"
        return first, second, dialog

    return conflict


MINE, THEIRS, BOTH = (0.6, 0.6, 0.8, 0.8), (0.6, 0.1, 0.8, 0.3), (0.1, 0.1, 0.3, 0.3)


@pytest.mark.parametrize(
    ("button", "wanted"),
    [("Keep mine", [BOTH, MINE]), ("Take theirs", [BOTH, THEIRS]), ("Merge both", [BOTH, MINE, THEIRS])],
)
def test_two_people_on_one_image_choose_what_stands(two, button, wanted):
    first, _, dialog = two()
    expect(dialog).to_contain_text("demo saved part0.png")
    expect(dialog.locator("canvas")).to_have_count(2)
    dialog.get_by_role("button", name=button).click()
    assert sorted(rect(one) for one in first.server()) == sorted(wanted)
    assert sorted(rect(one) for one in first.shapes()) == sorted(wanted)
    first.drag(0.1, 0.7, 0.3, 0.9)
    assert len(first.server()) == len(wanted) + 1, "and work goes on"


def test_a_conflict_that_was_put_off_is_asked_again_and_survives_a_reload(two):
    first, _, dialog = two()
    first.press("Escape")
    expect(dialog).to_be_hidden()
    first.drag(0.1, 0.7, 0.3, 0.9)
    expect(first.page.locator("#save-state")).to_have_text("Conflict")
    first.page.reload()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Merge both").click()
    assert len(first.server()) == 4


def test_a_conflict_on_an_image_left_behind_is_told_and_can_be_looked_at(label, platform):
    dataset = make_dataset(platform, boxes=[box(0, x=0.2, y=0.2)])
    here = label(dataset)
    save(platform, dataset, 0, [box(1, x=0.5)])
    here.drag(0.6, 0.6, 0.8, 0.8)
    here.press("d")
    here.shown(1)
    here.toast("Somebody else changed part0.png too")
    here.page.get_by_role("button", name="Look").click()
    here.shown(0)
    here.page.get_by_role("dialog").get_by_role("button", name="Keep mine").click()
    assert [rect(one) for one in here.server(0)] == [BOTH, MINE]


def test_a_newer_set_of_somebody_else_is_shown_when_nothing_here_is_unsent(label, platform):
    here = label(dataset := make_dataset(platform))
    here.press("d")
    here.shown(1)
    here.pass_time(5)  # what was fetched is trusted for four
    save(platform, dataset, 0, [box()])
    here.press("a")
    here.shown(0)
    here.page.wait_for_function("workspace.store.shapes.length === 1")
    here.drag(0.1, 0.1, 0.3, 0.3)
    assert len(here.server(0)) == 2


def test_a_reader_of_a_public_dataset_sees_the_labels_and_can_change_nothing(label, platform):
    dataset = make_dataset(platform, is_public=True, boxes=[box()])
    here = label(dataset, username="reader")
    page = here.page
    expect(page.get_by_text("Read only")).to_be_visible()
    for name in ("Draw a box", "Draw a polygon", "Pre-label this image", "New class"):
        expect(page.get_by_label(name)).to_have_count(0 if name != "New class" else 1)
    expect(page.get_by_label("New class")).to_be_hidden()
    expect(page.get_by_role("button", name="Accept", exact=True)).to_have_count(0)
    before = here.shapes()
    here.press("w")
    here.drag(0.1, 0.1, 0.3, 0.3)
    here.drag(0.5, 0.5, 0.7, 0.7)
    here.press("v", "Control+a", "Delete", "2", "Control+d", "ArrowLeft", "n")
    here.shown(0)
    assert here.shapes() == before
    assert labels(platform, dataset)["revision"] == 1


def test_an_outsider_does_not_find_the_page(open_browser, platform):
    dataset = make_dataset(platform)
    page = open_browser("stranger")
    assert page.goto(f"{platform.url}/datasets/{dataset['id']}/label").status == 404
