"""The cards of a deployment's page: what it is asked, what it keeps of that, what a candidate would have answered."""

import re

import pytest
import requests
from playwright.sync_api import expect

from tests.e2e.conftest import ended, trained

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
LONG = 60_000  # for what the server or a worker does, on however busy a machine


@pytest.fixture(scope="module")
def deployment(platform, deployed_model):
    """A deployment of these tests' own, answered by the deployed model."""
    made = platform.api("POST", "deployments/", json={"name": "Looked at", "model_id": deployed_model})
    assert made.status_code in (201, 202), made.text
    return next(one for one in platform.api("GET", "deployments/").json()["results"] if one["name"] == "Looked at")


@pytest.fixture(scope="module")
def pictures(platform):
    """Twelve pictures of the sample dataset."""
    sample = platform.api("GET", "datasets?search=Sample").json()["results"][0]
    rows = platform.api("GET", f"datasets/{sample['id']}/images?page_size=12").json()["results"]
    return [platform.api("GET", row["url"]).content for row in rows]


@pytest.fixture(scope="module")
def ask(platform):
    """`ask(picture, **which model)`: as a program asks, with a token."""
    token = platform.api("POST", "auth/tokens", json={"name": "looked at"}).json()["token"]

    def asked(picture, **which):
        answer = requests.post(
            f"{platform.url}/api/v1/predictions/infer", headers={"Authorization": f"Token {token}"},
            data=which, files={"image": picture}, timeout=60,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text

    return asked


def figure(scope, name):
    return scope.locator(f"[data-tile={name}]")


def test_monitoring_shows_what_was_asked_by_name_and_by_id(
    open_browser, platform, deployment, deployed_model, ask, pictures
):
    page = open_browser()
    page.goto(f"{platform.url}/deployments/{deployment['id']}/monitoring")
    card = page.locator("[data-monitoring]")
    expect(card.locator("[data-empty]")).to_be_visible(timeout=LONG)  # nobody asked: a call to paste
    expect(card.locator("#call-monitored")).to_contain_text("model=Looked at")

    for picture in pictures[:3]:
        ask(picture, model="Looked at")
    ask(pictures[0], model_id=deployed_model)
    card.get_by_role("button", name="Hour").click()
    expect(figure(card, "requests")).to_have_text("3", timeout=LONG)  # it asks again by itself
    expect(figure(card, "errors")).to_have_text("0")
    expect(figure(card, "p50")).to_contain_text("s")
    for chart in ("requests", "latency", "classes", "confidence"):
        expect(card.locator(f"[data-chart={chart}] svg").first).to_be_visible(timeout=LONG)

    page.goto(f"{platform.url}/models/{deployed_model}", timeout=LONG)
    page.get_by_role("link", name="Monitoring").click(timeout=LONG)
    expect(card.locator("[data-asked-by]")).to_contain_text("through Looked at (3)", timeout=LONG)
    expect(card.locator("[data-asked-by]")).to_contain_text(re.compile(r"by its id \(\d+\)"))


def test_a_capture_brings_what_is_asked_into_the_inbox(open_browser, platform, deployment, ask, pictures):
    names = ["circle", "square", "star", "triangle"]
    made = platform.api("POST", "datasets/", json={"name": "From the line", "class_names": names}).json()
    page = open_browser()
    page.goto(f"{platform.url}/deployments/{deployment['id']}", timeout=LONG)
    card = page.locator("#capture")
    card.get_by_label("Into the inbox of").select_option(str(made["id"]), timeout=LONG)
    card.get_by_label("What is kept").select_option("all")
    card.get_by_role("button", name="Start keeping pictures").click()
    expect(card.get_by_role("status")).to_have_text("Saved.", timeout=LONG)
    expect(card).to_contain_text("keeps pictures")

    for picture in pictures[:2]:
        ask(picture, model="Looked at")
    found = re.compile(r"Inbox \(2\)")
    for _ in range(60):  # a worker brings them in
        page.reload(timeout=LONG)
        expect(card.get_by_role("link", name="Inbox")).to_be_visible(timeout=LONG)
        if found.search(card.inner_text()):
            break
        page.wait_for_timeout(500)
    card.get_by_role("link", name="Label them").click()
    expect(page).to_have_url(re.compile(rf"/datasets/{made['id']}/label\?.*inbox=true"), timeout=LONG)
    expect(page.locator("#filmstrip button")).to_have_count(2, timeout=LONG)


def test_a_shadow_is_built_answers_beside_the_live_model_and_is_charted(
    open_browser, platform, deployment, ask, pictures
):
    candidate = trained(platform, name="Challenger", epochs=3, seed=1)
    made = platform.api("POST", "datasets/", json={"name": "Differing", "class_names": ["circle", "square", "star"]})
    kept = {"dataset_id": made.json()["id"], "mode": "disagreements"}
    assert platform.api("PUT", f"deployments/{deployment['id']}/capture", json=kept).status_code == 200

    page = open_browser()
    page.goto(f"{platform.url}/deployments/{deployment['id']}", timeout=LONG)
    card = page.locator("#shadow")
    card.get_by_label("Candidate").select_option(str(candidate), timeout=LONG)
    card.get_by_label("Share of the questions").fill("100")
    card.get_by_role("button", name="Start the shadow").click()
    expect(card.locator(".badge").first).to_have_text(re.compile("answers 100 %"), timeout=4 * LONG)
    expect(card).to_contain_text("waits for questions", timeout=LONG)

    for picture in pictures:
        ask(picture, model="Looked at", conf=0.02)
    answered = card.locator(".figure").filter(has_text="answered by both").locator("b").first
    expect(answered).to_have_text(re.compile(r"[1-9]"), timeout=LONG)  # what finds the machine busy is skipped
    for chart in ("agreement", "latency", "differences"):
        expect(card.locator(f"[data-chart={chart}] svg").first).to_be_visible(timeout=LONG)
    expect(card.locator("table tbody tr").first).to_be_visible()
    for _ in range(60):  # what they differ on comes into the inbox by a worker
        page.reload(timeout=LONG)
        expect(card.locator("[data-shadow-charts]")).to_be_visible(timeout=LONG)
        if card.locator(".shadow-sample").count():
            break
        page.wait_for_timeout(500)
    sample = card.locator(".shadow-sample").first
    expect(sample.locator("svg")).to_have_count(2)
    expect(sample.locator("path.one").first).to_be_attached()
    assert sample.locator("img").first.evaluate("async (img) => { await img.decode(); return img.naturalWidth }") > 0

    card.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(card.locator(".badge").first).to_have_text("off", timeout=LONG)


def test_a_shadow_that_cannot_be_built_says_so_by_itself_and_is_taken_away(
    open_browser, platform, deployment, deployed_model
):
    weights = platform.api("GET", f"models/{deployed_model}/download?format=pt").content
    sent = platform.api("POST", "models/", data={"name": "Candidate"}, files={"file": ("candidate.pt", weights)})
    candidate = ended(platform, f"jobs/{sent.json()['id']}")["result"]["model_id"]  # of no dataset: nothing proves it

    page = open_browser()
    page.goto(f"{platform.url}/deployments/{deployment['id']}", timeout=LONG)
    card = page.locator("#shadow")
    card.get_by_text("Candidate", exact=True).click(timeout=LONG)  # each label on the page is that of its own field
    expect(card.get_by_label("Candidate")).to_be_focused()
    card.get_by_label("Candidate").select_option(str(candidate))
    card.get_by_label("Share of the questions").fill("100")
    card.get_by_role("button", name="Start the shadow").click()
    expect(card.locator(".badge").first).to_have_text("not built", timeout=2 * LONG)  # without loading the page anew
    expect(card.get_by_role("alert")).to_contain_text("no image to prove the export on")
    expect(card.get_by_role("button", name="Try again")).to_be_visible()

    card.get_by_role("button", name="Take it away").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(card.locator(".badge").first).to_have_text("off", timeout=LONG)
    expect(card.get_by_role("button", name="Start the shadow")).to_be_visible()
