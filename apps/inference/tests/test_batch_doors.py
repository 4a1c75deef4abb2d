"""Who may start a batch on what: the same rule as for one image, by the name of a deployment or the id of a model."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.accounts.services import create_token
from apps.core.models import Job
from apps.inference import services
from apps.inference.models import Deployment
from apps.inference.tasks import batch as batch_task
from conftest import Caller, picture, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("run_tasks_at_once")]
ADDRESS = "/api/v1/predictions/batch"


@pytest.fixture
def ask(api_as, django_capture_on_commit_callbacks):
    """`ask(user, **which model)`: (status of infer, status of batch) for the same question."""

    def both(user, **which):
        api = api_as(user)
        one = api.post("/api/v1/predictions/infer", {"image": upload(), **which}, format="multipart")
        with django_capture_on_commit_callbacks(execute=True):
            many = api.post(ADDRESS, {"images": [upload(), upload("b.png", seed=2)], **which}, format="multipart")
        return one.status_code, many.status_code

    return both


@pytest.fixture
def public(deployment):
    """Alice's deployment is public, the models behind it are hers alone."""
    Deployment.objects.update(is_public=True)
    deployment.refresh_from_db()
    assert not deployment.model.is_public
    return deployment


def the_batch():
    return Job.objects.get(kind="batch")


def test_a_public_name_answers_a_batch_as_it_answers_an_image(public, ask, carol, api_as):
    assert ask(carol, model="Cells") == (200, 202)
    job = the_batch()
    assert (job.status, job.error_message, job.answers.count()) == ("completed", "", 2)
    assert api_as(carol).get(f"{ADDRESS}/{job.pk}/results.json").status_code == 200
    assert ask(carol, model_id=public.model_id) == (404, 404)  # the model behind it is not hers to ask


def test_a_private_name_answers_neither(deployment, ask, alice, carol):
    assert ask(carol, model="Cells") == (404, 404)
    assert ask(alice, model="Cells") == (200, 202)


def test_a_paused_name_answers_neither(public, ask, alice, carol):
    Deployment.objects.update(is_active=False)
    assert ask(carol, model="Cells") == (404, 404)
    type(public.model).objects.update(is_deployed=False)
    assert ask(alice, model="Cells") == (409, 409)


def test_a_batch_has_the_deployments_defaults(public, ask, carol, api_as):
    Deployment.objects.update(defaults={"classes": [1], "conf": 0.3})
    ask(carol, model="Cells")
    assert the_batch().params["options"] | {"classes": [1], "conf": 0.3} == the_batch().params["options"]
    rows = api_as(carol).get(f"{ADDRESS}/{the_batch().pk}/results").json()["results"]
    assert {found["class_id"] for row in rows for found in row["answer"]["predictions"]} == {1}


def test_the_version_that_was_live_answers_all_of_a_batch(public, versions, ask, carol):
    ask(carol, model="Cells")
    job = the_batch()
    job.answers.filter(number=2).delete()
    Deployment.objects.update(model=versions[1], previous=None)
    Job.objects.filter(pk=job.pk).update(status="pending", run_token="")
    batch_task(job.pk)
    assert (the_batch().status, the_batch().error_message) == ("completed", "")
    assert {row.answer["model"]["id"] for row in job.answers.all()} == {versions[0].pk}


@pytest.mark.parametrize("gone", ["made private", "deleted"])
def test_a_batch_ends_in_words_where_its_deployment_is_not_to_be_seen_any_more(public, ask, carol, gone):
    ask(carol, model="Cells")
    if gone == "deleted":
        services.delete_deployment(public)
    else:
        Deployment.objects.update(is_public=False)
    Job.objects.update(status="pending", run_token="")
    batch_task(the_batch().pk)
    assert (the_batch().status, "not yours to see any more" in the_batch().error_message) == ("failed", True)


def test_a_batch_is_started_on_the_page_of_a_deployment(
    public, page_as, carol, django_capture_on_commit_callbacks, ready_dataset
):
    browser, address = page_as(carol), f"/deployments/{public.pk}/batch"
    assert address in browser.get(f"/deployments/{public.pk}").content.decode()
    assert "None yet with this deployment" in browser.get(address).content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        sent = browser.post(address, {"files": [SimpleUploadedFile("a.png", picture())]})
    shown = browser.get(sent["Location"]).content.decode()
    assert shown.count("batch-answer") == 1
    assert f'href="/deployments/{public.pk}"' in shown
    assert f'href="/models/{public.model_id}"' not in shown  # it is not hers to see
    assert sent["Location"] in browser.get(address).content.decode()
    assert browser.post(address, {"dataset": ready_dataset.pk}).status_code == 200  # alice's, and no choice of hers
    Deployment.objects.update(is_public=False)
    assert browser.get(address).status_code == 404
    assert browser.get(sent["Location"]).status_code == 200  # the answers are hers


def test_nothing_is_started_on_a_deployment_that_answers_nothing(public, page_as, alice):
    Deployment.objects.update(is_active=False)
    assert page_as(alice).get(f"/deployments/{public.pk}/batch")["Location"] == f"/deployments/{public.pk}"


PARTS = ("/results", "/results.ndjson", "/results.json", "/images/1", "/tracks", "/tracks.csv", "/video")


@pytest.fixture
def with_token(public):
    """`with_token("infer")`: a client with a token of alice's."""

    def client(scope):
        api = Caller()
        api.credentials(HTTP_AUTHORIZATION=f"Token {create_token(public.owner, scope, scope=scope)[1]}")
        return api

    return client


def test_a_token_that_may_only_predict_sees_the_batch_that_it_started_and_no_other(
    public, with_token, alice, api_as, ask, django_capture_on_commit_callbacks
):
    api, another = with_token("infer"), with_token("infer")
    with django_capture_on_commit_callbacks(execute=True):
        started = api.post(ADDRESS, {"images": [upload()], "model": "Cells"}, format="multipart").json()
    job = f"/api/v1/jobs/{started['id']}"
    own = [job, *(f"{ADDRESS}/{started['id']}{part}" for part in PARTS)]
    answers = [api.get(one).status_code for one in own]
    assert answers == [200, 200, 200, 200, 200, 200, 200, 404]  # it is none on a video
    assert api.get(job).json()["status"] == "completed"
    assert {another.get(one).status_code for one in own} == {403}
    assert {with_token("write").get(one).status_code for one in own} == {403}
    assert api.get("/api/v1/jobs").status_code == 403  # its list says more than what it started
    assert api.post(f"{job}/cancel").status_code == 403
    ask(alice, model="Cells")  # in the browser, of the same person
    other = Job.objects.filter(kind="batch").latest("pk")
    assert api.get(f"/api/v1/jobs/{other.pk}").status_code == 403
    assert api.get(f"{ADDRESS}/{other.pk}/results").status_code == 403
    assert api.get("/api/v1/jobs/999999").status_code == 403
