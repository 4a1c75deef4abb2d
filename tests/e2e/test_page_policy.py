"""The pages under their own Content-Security-Policy: nothing that they need is forbidden to them."""

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return browser_context_args | {"bypass_csp": False}


def test_no_page_breaks_its_policy(open_browser, platform):
    page, said = open_browser(), []
    page.on("console", lambda message: message.type == "error" and said.append(f"{page.url}: {message.text}"))
    dataset = platform.api("GET", "datasets?search=Sample").json()["results"][0]["id"]
    opened = [
        "/", "/datasets/", "/datasets/new", f"/datasets/{dataset}/", f"/datasets/{dataset}/label",
        f"/datasets/{dataset}/crops", f"/datasets/{dataset}/statistics", f"/datasets/{dataset}/health",
        f"/datasets/{dataset}/versions", f"/datasets/{dataset}/transfer", "/training/",
        f"/training/new?dataset={dataset}",
        "/models/", "/models/upload", "/deployments/", "/test", "/teams/", "/webhooks", "/account/", "/account/tokens",
        "/account/second-step", "/admin/", "/admin/datasets/dataset/", "/api/docs/",
    ]  # fmt: skip
    for address in opened:
        answer = page.goto(platform.url + address)
        assert answer.status == 200, address
        page.wait_for_load_state("networkidle")
        assert "script-src 'self'" in answer.headers["content-security-policy"], address
    assert not said


INLINE = """() => {
  const made = document.createElement("script");
  made.textContent = "window.ran = 1";
  document.body.append(made);
}"""


def test_an_inline_script_is_not_run(open_browser, platform):
    page = open_browser()
    page.goto(f"{platform.url}/")
    page.evaluate(INLINE)
    assert page.evaluate("() => window.ran") is None
