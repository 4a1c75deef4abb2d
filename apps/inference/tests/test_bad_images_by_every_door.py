"""The corpus of bad and rare images by the other doors: batches, their page, captures, the testing page."""

import json
import zipfile
from datetime import timedelta
from io import BytesIO

import pytest
from django.utils import timezone

from apps.accounts.services import create_token, revoke_token
from apps.core.jobs import expire_files
from apps.core.models import Job
from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage
from apps.inference import after, batch, services
from apps.inference.capture import storing, waiting
from apps.inference.capture.settings import set_capture
from apps.inference.models import CaptureWaiting, Deployment
from apps.inference.tests.bad_images import NO_IMAGES, RARE, files_of_requests
from conftest import picture, upload

ADDRESS = "/api/v1/predictions/batch"
# What decodes and refuses is the same on every database; batches and captures themselves are tested on all.
pytestmark = [pytest.mark.usefixtures("run_tasks_at_once"), pytest.mark.once]


@pytest.fixture
def target(alice):
    """An empty dataset of alice's."""
    return datasets.create_dataset(alice, "Target", class_names=["disc"])


@pytest.fixture(autouse=True)
def nothing_left(deployed, target, settings):
    """Files go to the disk at once; when what was sent has expired, none may be there."""
    services.runtime_of(deployed)  # unpacks its own files now
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    before = files_of_requests()
    yield
    datasets.purge_images(target, DatasetImage.all_objects.all())
    Job.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    batch.expire_answers()
    expire_files()
    datasets.delete_pending_files()
    assert files_of_requests() - before == set()


def made(corpus):
    """[(name, bytes)] of a corpus."""
    return [(f"{kind}.jpg", make()) for kind, make in corpus.items()]


def packed(files):
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return upload("pictures.zip", out.getvalue())


def as_images(files):
    return {"images": [upload(name, data) for name, data in files]}


def as_archive(files):
    return {"file": packed(files)}


def as_page(files):
    return {"files": [upload(name, data) for name, data in files]}


def as_page_archive(files):
    return {"files": [packed(files)]}


@pytest.fixture
def answers(deployed, alice, api_as, page_as, django_capture_on_commit_callbacks):
    """`answers(way, files)`: the rows of a batch on files that came by one of the four ways."""

    def of(way, files):
        with django_capture_on_commit_callbacks(execute=True):
            if way in (as_page, as_page_archive):
                sent = page_as(alice).post(f"/models/{deployed.pk}/batch", way(files))
                assert sent.status_code == 302, sent.content
            else:
                sent = api_as(alice).post(ADDRESS, {"model_id": deployed.pk, **way(files)}, format="multipart")
                assert sent.status_code == 202, sent.content
        job = Job.objects.get(kind="batch")
        assert (job.status, job.error_message, job.traceback) == ("completed", "", "")
        return {row.name: row for row in job.answers.all()}

    return of


WAYS = pytest.mark.parametrize("way", [as_images, as_archive, as_page, as_page_archive])


@WAYS
def test_no_image_of_a_batch_is_answered_and_each_says_why(answers, way):
    rows = answers(way, made(NO_IMAGES))
    assert set(rows) == {f"{kind}.jpg" for kind in NO_IMAGES}
    for name, row in rows.items():
        assert (row.answer, row.objects_found) == ({}, 0), name
        assert row.error.endswith("."), name


@WAYS
def test_every_rare_image_of_a_batch_is_answered_at_its_size(answers, way):
    for name, row in answers(way, made(RARE)).items():
        assert (row.error, row.answer.get("image")) == ("", {"width": 60, "height": 40}), name


@pytest.mark.parametrize("kind", NO_IMAGES)
def test_no_image_goes_into_a_dataset_from_the_testing_page(target, api_as, alice, kind):
    answer = to_dataset(api_as(alice), target, NO_IMAGES[kind]())
    assert answer.status_code == 400, answer.content
    assert answer.json()["image"][0].endswith(".")
    assert not target.images.exists()


@pytest.mark.parametrize("kind", RARE)
def test_a_rare_image_goes_into_a_dataset_from_the_testing_page(target, api_as, alice, kind):
    answer = to_dataset(api_as(alice), target, RARE[kind]())
    assert answer.status_code == 201, answer.content
    assert (answer.json()["image"]["width"], answer.json()["image"]["height"]) == (60, 40)


def to_dataset(api, target, data):
    sent = {"image": upload("x.jpg", data), "annotations": json.dumps([])}
    return api.post(f"/api/v1/datasets/{target.pk}/images/labelled", sent, format="multipart")


@pytest.fixture
def asked_by_name(deployed, target, alice, api_as, monkeypatch):
    """`asked_by_name(data)`: ask alice's deployment, which keeps all that it is asked; the status."""
    deployment = Deployment.objects.get(model=deployed)
    set_capture(deployment, alice, target, mode="all")
    monkeypatch.setattr(after, "tell", lambda one: waiting.capture_questions([one]))

    def ask(data):
        sent = {"image": upload("x.jpg", data), "model": deployment.name}
        status = api_as(alice).post("/api/v1/predictions/infer", sent, format="multipart").status_code
        storing.sweep_waiting()
        return status

    return ask


def test_no_image_is_captured(asked_by_name, target):
    assert {asked_by_name(data) for _, data in made(NO_IMAGES)} == {400}
    assert not CaptureWaiting.objects.exists()
    assert not target.images.exists()


def test_rare_images_that_were_answered_are_captured(asked_by_name, target):
    assert {asked_by_name(data) for _, data in made(RARE)} == {200}
    assert not CaptureWaiting.objects.exists()
    assert target.images.count() == len(RARE)


@pytest.mark.parametrize("kind", ["none", "another scope", "expired", "revoked"])
def test_a_token_that_does_not_open_it_starts_no_batch_and_stores_nothing(deployed, target, api_as, alice, kind):
    token, key = create_token(alice, "machine", "read" if kind == "another scope" else "infer write")
    if kind == "expired":
        type(token).objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    if kind == "revoked":
        revoke_token(token)
    api = api_as()
    if kind != "none":
        api.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    wanted = 403 if kind == "another scope" else 401
    for way in (as_images, as_archive):
        sent = {"model_id": deployed.pk, **way([("a.png", picture())])}
        answer = api.post(ADDRESS, sent, format="multipart")
        assert (answer.status_code, bool(answer.json()["detail"])) == (wanted, True)
    assert to_dataset(api, target, picture()).status_code == wanted
    assert not Job.objects.filter(kind="batch").exists()
    assert not target.images.exists()


@pytest.mark.parametrize("way", [as_images, as_archive])
@pytest.mark.parametrize(
    ("field", "value"),
    [("conf", "nan"), ("conf", 0), ("iou", 2), ("max_det", 0), ("classes", "9"), ("per_class", '{"0":2}')],
)
def test_an_option_of_a_batch_out_of_its_range_is_named(deployed, api_as, alice, way, field, value):
    sent = {"model_id": deployed.pk, field: value, **way([("a.png", picture())])}
    answer = api_as(alice).post(ADDRESS, sent, format="multipart")
    assert answer.status_code == 400, answer.content
    assert answer.json()[field][0].endswith(".")
    assert not Job.objects.filter(kind="batch").exists()
