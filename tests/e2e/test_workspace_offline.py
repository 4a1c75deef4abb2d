"""The labelling workspace: nothing is lost, whatever happens to the network, the server, the tab or the storage."""

import os
import signal

import pytest
from playwright.sync_api import expect

from tests.e2e.labelling import box, labels, make_dataset
from tests.e2e.test_survival import belongs_to, processes_with

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
LABELS = "**/annotations*"


def status(here, words):
    expect(here.page.locator("#save-state")).to_have_text(words)


def test_changes_made_without_a_network_survive_a_reload_and_are_sent_when_it_is_back(label, platform):
    here = label(dataset := make_dataset(platform))
    page = here.page
    page.route(LABELS, lambda route: route.abort() if route.request.method == "PUT" else route.fallback())
    for n in range(3):
        here.drag(0.1 + 0.25 * n, 0.1, 0.3 + 0.25 * n, 0.3)
    status(here, "Offline, 3 changes kept")
    assert labels(platform, dataset)["annotations"] == []
    page.reload()
    here.shown(0)
    assert here.count() == 3, "the kept changes are on the screen again"
    status(here, "Offline, 3 changes kept")
    here.drag(0.1, 0.6, 0.3, 0.8)
    page.unroute(LABELS)
    assert len(here.server()) == 4


def test_the_next_images_can_be_worked_on_without_a_network(label, platform):
    here = label(dataset := make_dataset(platform))
    here.page.wait_for_function("workspace.cache.picture(workspace.navigation.items[2]).value")
    here.pass_time(5)
    here.page.route("**/api/**", lambda route: route.abort())
    for n in range(3):
        here.drag(0.1, 0.1, 0.3, 0.3)
        here.press("d")
        here.shown(min(n + 1, 2))
        expect(here.page.locator("#stage-message")).to_be_hidden()
    status(here, "Offline, 3 changes kept")
    here.page.unroute("**/api/**")
    here.saved()
    assert [len(labels(platform, dataset, n)["annotations"]) for n in range(3)] == [1, 1, 1]


def test_changes_of_a_closed_tab_are_sent_by_the_next_page(label, platform):
    dataset = make_dataset(platform)
    here = label(dataset)
    here.page.route(LABELS, lambda route: route.abort() if route.request.method == "PUT" else route.fallback())
    here.drag(0.1, 0.1, 0.3, 0.3)
    status(here, "Offline, 1 change kept")
    here.press("d")
    here.shown(1)
    here.drag(0.5, 0.5, 0.7, 0.7)
    status(here, "Offline, 2 changes kept")
    here.page.wait_for_function("!workspace.sync.unsafe")
    context = here.page.context
    here.page.close()
    here.page = context.new_page()
    here.open(2)
    assert len(here.server(0)) == len(here.server(1)) == 1


def kill_the_server(platform):
    """SIGKILL to every process of the web server of this platform."""
    servers = [pid for pid in processes_with("gunicorn yolotrainer.wsgi") if belongs_to(platform, pid)]
    assert servers
    for pid in servers:
        os.kill(pid, signal.SIGKILL)


def test_a_killed_server_loses_nothing_of_what_is_drawn_meanwhile(label, platform):
    here = label(dataset := make_dataset(platform))
    for n in range(12):
        if n == 4:
            kill_the_server(platform)
        here.drag(0.02 + 0.08 * n, 0.1, 0.07 + 0.08 * n, 0.4)
    expect(here.page.locator("#save-state")).to_have_text("Saved", timeout=60_000)
    assert here.page.locator("dialog").count() == 0, "one's own work is no conflict"
    assert len(labels(platform, dataset)["annotations"]) == 12


def test_an_answer_that_was_lost_is_no_conflict(label, platform):
    here = label(make_dataset(platform))
    lost = []

    def lose_the_first(route):
        if route.request.method != "PUT" or lost:
            return route.fallback()
        lost.append(route.fetch().status)
        return route.abort()

    here.page.route(LABELS, lose_the_first)
    here.drag(0.1, 0.1, 0.3, 0.3)
    status(here, "Offline, 1 change kept")
    here.drag(0.5, 0.5, 0.7, 0.7)
    assert len(here.server()) == 2
    assert lost == [200]
    assert here.page.locator("dialog").count() == 0


def test_a_page_whose_browser_keeps_nothing_says_so_and_warns_before_it_is_left(label, platform, open_browser):
    dataset = make_dataset(platform, boxes=[box()])
    page = open_browser()
    page.add_init_script("indexedDB.open = Storage.prototype.setItem = () => { throw new Error('refused') }")
    here = type(label(dataset))(page, platform, dataset).open()
    page.route(LABELS, lambda route: route.abort() if route.request.method == "PUT" else route.fallback())
    here.drag(0.7, 0.7, 0.9, 0.9)
    status(here, "Offline, 1 change not kept")
    asked = []
    page.on("dialog", lambda dialog: asked.append(dialog.type) or dialog.accept())
    page.goto(f"{platform.url}/")
    assert asked == ["beforeunload"]


def test_a_page_that_keeps_its_changes_is_left_without_a_warning(label, platform):
    here = label(make_dataset(platform))
    here.page.route(LABELS, lambda route: route.abort() if route.request.method == "PUT" else route.fallback())
    here.drag(0.7, 0.7, 0.9, 0.9)
    status(here, "Offline, 1 change kept")
    asked = []
    here.page.on("dialog", lambda dialog: asked.append(dialog.type) or dialog.accept())
    here.page.goto(f"{platform.url}/")
    assert asked == []


def test_what_the_server_refuses_is_kept_and_the_reason_is_said(label, platform):
    here = label(dataset := make_dataset(platform))
    wrong = '{"annotations": ["Label 1: no."]}'
    here.page.route(
        LABELS,
        lambda route: route.fulfill(status=400, body=wrong, content_type="application/json")
        if route.request.method == "PUT" else route.fallback(),
    )  # fmt: skip
    here.drag(0.1, 0.1, 0.3, 0.3)
    status(here, "Not accepted, 1 change kept")
    expect(here.page.locator("#save-state")).to_have_attribute("title", "annotations: Label 1: no. " + KEPT)
    here.page.unroute(LABELS)
    here.press("Control+s")
    assert len(here.server()) == 1
    assert labels(platform, dataset)["revision"] == 1


KEPT = "They are kept in this browser and sent by themselves."
