"""The pages of a batch on a video: sent in pieces, answered by so many frames a second, looked through."""

import pytest
from playwright.sync_api import expect

from apps.inference.tests.films import film

pytestmark = [pytest.mark.browser, pytest.mark.platform, pytest.mark.xdist_group("platform")]
LONG = 120_000  # for what a worker does, on however busy a machine


def test_a_video_is_sent_answered_and_looked_through(open_browser, platform, deployed_model, tmp_path):
    video = tmp_path / "conveyor.mp4"
    video.write_bytes(film(20, size=(320, 240)))
    page = open_browser()
    page.goto(f"{platform.url}/models/{deployed_model}/batch")
    page.locator("input[type=file]").set_input_files(video)
    page.get_by_label("Or so many frames a second").fill("5")
    page.get_by_label("Least confidence").fill("0.001")
    page.get_by_label("Follow objects").uncheck()
    page.get_by_role("button", name="Start").click()

    player = page.locator("[data-player]")
    expect(player).to_be_visible(timeout=LONG)
    expect(page.locator("h1")).to_have_text("Predictions on conveyor.mp4")
    expect(page.get_by_text("5.0 frames a second answered")).to_be_visible()
    frames = page.locator(".video-frame")
    expect(frames).to_have_count(10)
    expect(page.locator("#tracks")).to_contain_text("started without following objects")

    page.wait_for_function("document.querySelector('[data-player]').readyState >= 1", timeout=LONG)
    frames.nth(4).locator("[data-seek]").click()
    assert page.evaluate("document.querySelector('[data-player]').currentTime") == pytest.approx(0.8, abs=0.05)

    page.locator("#frames").get_by_role("link", name="Not answered").click()
    expect(page.locator("#frames")).to_contain_text("No answer of this kind.")
    page.locator("#frames").get_by_role("link", name="All", exact=True).click()
    expect(frames).to_have_count(10)


def test_either_every_nth_frame_or_frames_a_second(open_browser, platform, deployed_model, tmp_path):
    (tmp_path / "film.mp4").write_bytes(film(2))
    page = open_browser()
    page.goto(f"{platform.url}/models/{deployed_model}/batch")
    page.locator("input[type=file]").set_input_files(tmp_path / "film.mp4")
    page.get_by_label("Answer every n-th frame").fill("2")
    page.get_by_label("Or so many frames a second").fill("2")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("p.error")).to_have_text("Give either every n-th frame, or frames a second.", timeout=LONG)
