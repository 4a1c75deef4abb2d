"""The preview of the augmentation: drawn by ultralytics itself in a process that stays warm."""

import io

import pytest
from PIL import Image, ImageChops

from apps.core.models import Job
from apps.training.services.warm import NoPreview, warm

from .test_outlook import PLAN

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ask(page_as, alice, ready_dataset):
    """`ask(**changes)`: alice asks for a picture; returns the page's answer."""
    browser = page_as(alice)
    return lambda **changes: browser.post(f"/training/preview?dataset={ready_dataset.pk}", PLAN | changes)


@pytest.fixture
def queued(monkeypatch):
    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **kw: None)


@pytest.fixture(scope="module", autouse=True)
def end_of_the_process():
    yield
    warm.end()


def newest():
    return Job.objects.filter(kind="preview").first()


def picture_of(browser, job):
    answer = browser.get(f"/training/preview/{job.pk}.jpg")
    assert answer["Content-Type"] == "image/jpeg"
    return Image.open(io.BytesIO(b"".join(answer.streaming_content))).convert("RGB")


@pytest.mark.once
def test_the_same_arguments_give_the_same_picture_and_others_another(ask, page_as, alice, run_tasks_at_once):
    pictures = []
    for mosaic in (0.0, 0.0, 1.0):
        assert ask(mosaic=mosaic).status_code == 200
        job = newest()
        assert (job.status, job.error_message) == ("completed", "")
        page = page_as(alice).get(f"/training/preview/{job.pk}").content.decode()
        assert f"/training/preview/{job.pk}.jpg" in page
        pictures.append(picture_of(page_as(alice), job))
    plain, again, mosaic = pictures
    assert plain.size == (4 * 244 - 4, 240)
    assert ImageChops.difference(plain, again).getbbox() is None
    assert ImageChops.difference(plain, mosaic).getbbox() is not None


@pytest.mark.once
def test_a_process_that_died_is_started_again(ask, run_tasks_at_once):
    ask()
    warm._process.kill()
    warm._process.wait()
    ask(mosaic=0.5)
    assert newest().status == "completed"


def test_a_newer_request_gives_up_the_older_and_few_are_kept(ask, queued, ready_dataset):
    for _ in range(5):
        assert "Drawing" in ask().content.decode()
    assert [job.status for job in Job.objects.filter(kind="preview")] == ["pending", "cancelled"]
    assert Job.objects.filter(kind="preview").first().params["arguments"] == {}


def test_only_whose_it_is_sees_a_picture(ask, queued, page_as, bob, carol, operator, ready_dataset):
    ask()
    for person in (bob, carol, operator):
        assert page_as(person).get(f"/training/preview/{newest().pk}").status_code == 404
        assert page_as(person).get(f"/training/preview/{newest().pk}.jpg").status_code == 404
    assert page_as(carol).post(f"/training/preview?dataset={ready_dataset.pk}", PLAN).status_code == 404
    assert page_as(carol).get("/training/preview").status_code == 405


@pytest.mark.parametrize(("changes", "word"), [({"mosaic": 3}, "less than or equal to 1"), ({"img_size": 33}, "32")])
def test_what_cannot_be_drawn_is_refused_in_words(ask, queued, changes, word):
    assert word in ask(**changes).content.decode()
    assert newest() is None


def test_nothing_to_draw_says_so(ask, ready_dataset, run_tasks_at_once, page_as, alice):
    ready_dataset.images.update(split="val")
    ask()
    assert "nothing to draw" in page_as(alice).get(f"/training/preview/{newest().pk}").content.decode()


def test_waiting_for_the_process_can_be_given_up():
    class Given(Exception):
        pass

    def give_up():
        raise Given

    with warm._lock, pytest.raises(Given):
        warm.draw({}, give_up)


def test_a_request_that_the_process_cannot_draw_is_told_and_it_lives_on(tmp_path):
    wanted = {"images": str(tmp_path), "classes": 1, "colors": ["#fff"], "imgsz": 64, "seed": 0, "args": {}}
    answer = warm.draw(wanted | {"output": str(tmp_path / "x.jpg")})
    assert answer["event"] == "failed"
    assert answer["message"]
    assert warm._process.poll() is None


def test_drawing_that_takes_too_long_ends_in_words(monkeypatch):
    monkeypatch.setattr("apps.training.services.warm.START_SECONDS", 0)
    warm.end()
    with pytest.raises(NoPreview, match="too long"):
        warm.draw({})
