"""The gallery in a real browser: a long list of which little is in the page, chosen, deleted and brought back."""

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import box, make_dataset

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
MANY = 230


@pytest.fixture(scope="module")
def many(platform):
    """A public dataset of 230 images, a box on the first."""
    return make_dataset(platform, count=MANY, boxes=[box()], is_public=True)


@pytest.fixture
def gallery(open_browser, platform, many):
    """`gallery(query, username)`: the page of the many."""

    def opened(query="", username="demo"):
        page = open_browser(username)
        page.goto(f"{platform.url}/datasets/{many['id']}/{query}")
        expect(tiles(page).first).to_be_visible()
        return page

    return opened


def tiles(page):
    return page.locator("#gallery .tile")


def tile(page, position):
    return page.locator(f"#gallery .tile[data-index='{position}']")


def shown(page):
    return page.locator("#gallery [data-count]")


def place(page):
    """The position of the first row below the bar, once the scrolling has come to rest."""
    page.wait_for_timeout(300)
    return page.evaluate("Number(new URLSearchParams(location.search).get('at') ?? 0)")


def test_only_what_is_in_view_is_in_the_page_and_the_scrollbar_leads_anywhere(gallery, platform, many):
    page = gallery()
    expect(shown(page)).to_have_text("230 images")
    assert tiles(page).count() < 120
    expect(tile(page, 0).locator("svg rect")).to_have_count(1)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(tile(page, MANY - 1).locator("[data-name]")).to_have_text(f"part{MANY - 1}.png")
    expect(tile(page, 0)).to_have_count(0)
    assert tiles(page).count() < 120
    picture = tile(page, MANY - 1).locator("img")
    expect(picture).to_have_attribute("src", f"/datasets/{many['id']}/images/{many['images'][-1]}/thumbnail")


def test_the_place_is_kept_by_a_reload_and_by_the_way_back_from_an_image(gallery):
    page = gallery("?sort=newest")
    page.mouse.move(600, 600)
    page.mouse.wheel(0, 2500)
    at = place(page)
    assert at > 50
    page.reload()
    expect(tile(page, at).locator("[data-name]")).to_have_text(f"part{MANY - 1 - at}.png")
    assert place(page) == at
    tile(page, at + 1).locator("a").click()
    page.wait_for_url("**/label?image=*")
    page.go_back()
    expect(tile(page, at)).to_be_in_viewport()
    assert place(page) == at


def test_images_are_chosen_deleted_and_brought_back(gallery, platform, many):
    page = gallery("?at=140")
    first = place(page)
    tile(page, first + 1).hover()
    tile(page, first + 1).locator("[data-check]").click()
    tile(page, first + 5).locator("[data-check]").click(modifiers=["Shift"])
    bar = page.get_by_role("region", name="Chosen images")
    expect(bar.locator("[data-chosen]")).to_have_text("5 chosen")
    bar.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("Move 5 images to the trash?")
    page.get_by_role("button", name="Move to the trash").click()
    expect(shown(page)).to_have_text("225 images")
    expect(bar).to_be_hidden()
    expect(tile(page, first + 1).locator("[data-name]")).to_have_text(f"part{first + 6}.png")
    assert place(page) == first
    assert platform.api("GET", f"datasets/{many['id']}/trash").json()["count"] == 5
    expect(page.get_by_role("link", name="5 in the trash")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(shown(page)).to_have_text("230 images")
    expect(tile(page, first + 1).locator("[data-name]")).to_have_text(f"part{first + 1}.png")


def test_all_that_match_are_tagged_and_split_by_keys_and_the_split_is_taken_back(gallery, platform, many):
    page = gallery()
    page.get_by_placeholder("Search file names").fill("part22")
    expect(shown(page)).to_have_text("11 images")
    tile(page, 3).locator("a").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    expect(page.locator("[data-chosen]")).to_have_text("1 chosen")
    page.keyboard.press("Control+a")
    expect(page.locator("[data-chosen]")).to_have_text("11 chosen")
    page.get_by_role("button", name="Tag…").click()
    page.locator("#tag-dialog input").fill("night")
    page.get_by_role("button", name="Put it on").click()
    expect(tile(page, 0).locator("[data-tags]")).to_have_text("night")
    page.get_by_role("button", name="Split…").click()
    page.get_by_role("button", name="val", exact=True).click()
    expect(tile(page, 0).locator("[data-split]")).to_have_text("val")
    page.keyboard.press("Control+z")
    expect(tile(page, 0).locator("[data-split]")).to_be_hidden()
    page.keyboard.press("Escape")
    expect(page.locator("#bulk-bar")).to_be_hidden()
    found = platform.api("GET", f"datasets/{many['id']}/images?tag=night").json()
    assert (found["count"], {row["split"] for row in found["results"]}) == (11, {""})


def test_keys_lead_to_the_end_and_open_the_image(gallery, many):
    page = gallery()
    tile(page, 2).locator("a").focus()
    page.keyboard.press("End")
    expect(tile(page, MANY - 1).locator("a")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(tile(page, MANY - 2).locator("a")).to_be_focused()
    expect(tile(page, MANY - 2).locator("[data-name]")).to_have_text(f"part{MANY - 2}.png")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/label?image={many['images'][-2]}")


def test_a_reader_looks_and_chooses_nothing(gallery):
    page = gallery(username="reader")
    page.keyboard.press("Control+a")
    expect(page.locator("[data-check]")).to_have_count(0)
    expect(page.locator("#bulk-bar")).to_have_count(0)
    tile(page, 1).hover()
    page.get_by_role("button", name="Images like part1.png").click()
    expect(page.locator("[data-similar] b")).to_have_text("part1.png")
    expect(tile(page, 0).locator("[data-name]")).to_have_text("part1.png")
    page.get_by_role("link", name="Back to all images").click()
    expect(shown(page)).to_have_text("230 images")
