"""Deploying a model and asking it, with real small weights and the real export."""

import threading

import pytest

from apps.accounts.services import create_token
from apps.core.models import Job
from apps.inference import services
from apps.inference.runtime import Overloaded
from apps.models.services import register_model, set_stage
from conftest import Caller, picture, upload

SHAPE = {"model", "image", "predictions", "speed"}


def ask(api, **data):
    data = {"image": upload("a.jpg", seed=5, width=200, height=150)} | data
    return api.post("/api/v1/predictions/infer", data, format="multipart")


def test_deploying_proves_the_export_before_it_serves(deployed, api_as, alice):
    proof = deployed.serving
    assert {"openvino": "openvino", "onnxruntime": "onnx"}[proof["runtime"]] == proof["format"]
    assert {way["runtime"] for way in proof["tried"]} == {"openvino", "onnxruntime"}
    assert all(way["milliseconds"] > 0 for way in proof["tried"] if not way["why_not"] or way["why_not"] == "slower")
    assert proof["checked_images"] == 2
    assert proof["agreement"] >= 0.95
    body = api_as(alice).get(f"/api/v1/models/{deployed.pk}").json()
    assert (body["is_deployed"], body["endpoint"]) == (True, "/api/v1/predictions/infer")


def test_an_answer_has_the_shape_of_the_contract(deployed, api_as, alice):
    answer = ask(api_as(alice), model_id=deployed.pk, conf=0.01)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == SHAPE
    assert body["model"] == {"id": deployed.pk, "name": "Discs"}
    assert body["image"] == {"width": 200, "height": 150}
    assert set(body["speed"]) == {"decode_ms", "preprocess_ms", "inference_ms", "postprocess_ms"}
    for found in body["predictions"]:
        assert found["class_name"] == ["disc", "square", "cross"][found["class_id"]]
        box = found["box"]
        assert 0 <= box["x1"] < box["x2"] <= 200
        assert abs((box["x1"] + box["x2"]) / 2 / 200 - found["x_center"]) < 1e-3


def test_an_answer_takes_two_queries_with_a_token_and_an_operating_point(
    deployed, alice, client, django_assert_num_queries
):
    _, key = create_token(alice, "bench", "infer")
    type(deployed).objects.update(operating_point={"confidence": 0.3, "per_class": {}})
    headers = {"Authorization": f"Token {key}"}
    wanted = {"image": upload("a.jpg", seed=5), "model_id": deployed.pk}
    assert client.post("/api/v1/predictions/infer", wanted, headers=headers).status_code == 200
    wanted["image"] = upload("a.jpg", seed=5)
    with django_assert_num_queries(2):
        assert client.post("/api/v1/predictions/infer", wanted, headers=headers).status_code == 200


def test_a_model_is_asked_by_name_too(deployed, api_as, alice):
    assert ask(api_as(alice), model="Discs").json()["model"]["id"] == deployed.pk


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "model_id"),
        ({"model_id": 1, "model": "x"}, "model_id"),
        ({"model_id": "one"}, "model_id"),
        ({"model": "Discs", "conf": 2}, "conf"),
        ({"model": "Discs", "iou": -1}, "iou"),
        ({"model": "Discs", "max_det": 0}, "max_det"),
        ({"model": "Discs", "classes": "a,b"}, "classes"),
        ({"model": "Discs", "image": "not a file"}, "image"),
    ],
)
def test_a_wrong_question_is_refused_by_the_name_of_its_field(deployed, api_as, alice, data, field):
    answer = ask(api_as(alice), **data)
    assert answer.status_code == 400
    assert field in answer.json()


@pytest.mark.parametrize("bytes_", [b"", b"<html></html>", b"\xff\xd8\xff\xe0half", picture(40, 40)[:60]], ids=range(4))
def test_what_is_no_image_is_refused_with_the_reason(deployed, api_as, alice, bytes_):
    answer = ask(api_as(alice), model_id=deployed.pk, image=upload("x.jpg", bytes_))
    assert answer.status_code == 400
    assert answer.json()["image"]


def test_too_large_an_image_is_413(deployed, api_as, alice, settings):
    settings.MAX_IMAGE_BYTES = 10
    assert ask(api_as(alice), model_id=deployed.pk).status_code == 413


def test_others_get_404_for_a_private_model_and_answers_from_a_public_one(deployed, api_as, carol):
    assert ask(api_as(carol), model_id=deployed.pk).status_code == 404
    assert ask(api_as(carol), model="Discs").status_code == 404
    type(deployed).objects.filter(pk=deployed.pk).update(is_public=True)
    assert ask(api_as(carol), model_id=deployed.pk).status_code == 200


def test_an_undeployed_model_answers_its_owner_only(deployed, api_as, alice, carol):
    type(deployed).objects.filter(pk=deployed.pk).update(is_public=True)
    assert api_as(carol).post(f"/api/v1/models/{deployed.pk}/undeploy").status_code == 403
    assert api_as(alice).post(f"/api/v1/models/{deployed.pk}/undeploy").json() == {
        "is_deployed": False,
        "endpoint": None,
    }
    assert ask(api_as(carol), model_id=deployed.pk).status_code == 404
    assert ask(api_as(alice), model_id=deployed.pk).status_code == 200  # she is signed in, and tries her own


@pytest.fixture
def with_token(alice):
    """`with_token("infer")`: a client with a token of alice's."""

    def client(scope, owner=alice):
        api = Caller()
        api.credentials(HTTP_AUTHORIZATION=f"Token {create_token(owner, scope, scope=scope)[1]}")
        return api

    return client


@pytest.mark.parametrize("scope", ["infer", "read infer write"])
def test_programs_reach_deployed_models_only(deployed, with_token, scope):
    api, images = with_token(scope), {"images": [upload()], "model_id": deployed.pk}
    assert ask(api, model_id=deployed.pk).status_code == 200
    services.undeploy_model(deployed)
    answer = ask(api, model_id=deployed.pk)
    assert (answer.status_code, "Deploy it" in answer.json()["detail"]) == (409, True)
    assert api.post("/api/v1/predictions/batch", images, format="multipart").status_code == 409
    assert not Job.objects.filter(kind="batch").exists()
    services.deploy_model(deployed, deployed.owner)
    assert ask(api, model_id=deployed.pk).status_code == 200


def test_an_archived_model_answers_nobody(deployed, api_as, alice, page_as):
    services.undeploy_model(deployed)
    set_stage(deployed, "archived")
    image = deployed.dataset_version.dataset.images.first()
    prelabel = f"/api/v1/datasets/{image.dataset_id}/images/{image.pk}/prelabel"
    for answer in (
        ask(api_as(alice), model_id=deployed.pk),
        api_as(alice).post(
            "/api/v1/predictions/batch", {"images": [upload()], "model_id": deployed.pk}, format="multipart"
        ),
        api_as(alice).post(prelabel, {"model_id": deployed.pk}, format="json"),
    ):
        assert (answer.status_code, "is archived" in answer.json()["detail"]) == (409, True)
    browser = page_as(alice)
    assert f'value="model:{deployed.pk}"' not in browser.get("/test").content.decode()
    assert browser.get(f"/test/about?model={deployed.pk}").status_code == 409
    assert browser.get(f"/models/{deployed.pk}/batch")["Location"] == f"/models/{deployed.pk}/"


def test_deploying_again_is_at_once(deployed, api_as, alice):
    api_as(alice).post(f"/api/v1/models/{deployed.pk}/undeploy")
    answer = api_as(alice).post(f"/api/v1/models/{deployed.pk}/deploy")
    assert (answer.status_code, answer.json()["is_deployed"]) == (200, True)
    assert Job.objects.count() <= 1


def test_a_model_that_was_never_deployed_says_so(model, api_as, alice):
    answer = ask(api_as(alice), model_id=model.pk)
    assert answer.status_code == 409
    assert "Deploy it first" in answer.json()["detail"]


def test_deploying_twice_at_once_is_one_job(model, api_as, alice, monkeypatch):
    from celery import current_app

    monkeypatch.setattr(current_app, "send_task", lambda *a, **k: None)
    jobs = [api_as(alice).post(f"/api/v1/models/{model.pk}/deploy") for _ in range(2)]
    assert [job.status_code for job in jobs] == [202, 202]
    assert jobs[0].json()["id"] == jobs[1].json()["id"]


def test_weights_that_cannot_be_exported_end_in_words(
    trained_model, alice, run_tasks_at_once, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        services.deploy_model(trained_model, alice)
    trained_model.refresh_from_db()
    job = Job.objects.get()
    assert (trained_model.is_deployed, job.status) == (False, "failed")
    assert "Traceback" not in job.error_message


@pytest.mark.once
def test_an_export_that_answers_differently_is_not_deployed(
    model, alice, run_tasks_at_once, monkeypatch, django_capture_on_commit_callbacks
):
    from apps.inference.runtime import Parity

    monkeypatch.setattr(services.proving, "compare_many", lambda *a, **k: Parity(10, 5, 0, 0.1))
    with django_capture_on_commit_callbacks(execute=True):
        services.deploy_model(model, alice)
    model.refresh_from_db()
    assert not model.is_deployed
    assert "5 of the 10 boxes" in Job.objects.get().error_message


@pytest.mark.parametrize(
    ("scope", "status"), [("infer", 200), ("read", 403), ("write", 403), ("read infer write", 200)]
)
def test_a_token_needs_the_scope_infer(deployed, client, alice, scope, status):
    _, key = create_token(alice, "machine", scope)
    answer = client.post(
        "/api/v1/predictions/infer", {"image": upload("a.png"), "model_id": deployed.pk},
        headers={"Authorization": f"Token {key}"},
    )  # fmt: skip
    assert answer.status_code == status


def test_more_than_may_wait_is_answered_503_with_retry_after(deployed, api_as, alice, monkeypatch):
    from apps.inference.runtime import Gate

    gate = Gate(1, 0)
    monkeypatch.setattr(services.answering, "gate", gate)
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with gate:
            inside.set()
            leave.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(5)
    answer = ask(api_as(alice), model_id=deployed.pk)
    leave.set()
    holder.join()
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1


def test_a_flood_is_answered_503_before_anything_is_read(
    deployed, api_as, alice, monkeypatch, django_assert_num_queries
):
    def full():
        raise Overloaded(3)

    monkeypatch.setattr(services.answering.gate, "refuse_flood", full)
    client = api_as(alice)
    with django_assert_num_queries(0):
        answer = ask(client, model_id=deployed.pk)
    assert (answer.status_code, answer["Retry-After"]) == (503, "3")
    assert "try again in 3 s" in answer.json()["detail"]


def test_another_process_unpacks_the_serving_files_again(deployed, api_as, alice, settings):
    import shutil

    shutil.rmtree(settings.WORK_DIR / "serving", ignore_errors=True)
    services.runtimes.drop(deployed.pk)
    assert ask(api_as(alice), model_id=deployed.pk).status_code == 200


def test_pages_of_deployments_are_the_owners(deployed, page_as, alice, carol):
    mine, other = page_as(alice), page_as(carol)
    panel = mine.get(f"/models/{deployed.pk}/deployment").content.decode()
    assert f"model_id={deployed.pk}" in panel
    assert "predictions/infer" in panel
    for path in (f"/models/{deployed.pk}/", f"/models/{deployed.pk}/deployment", f"/models/{deployed.pk}/weights"):
        assert other.get(path).status_code == 404
    assert other.post(f"/models/{deployed.pk}/deploy").status_code == 404
    assert b"Discs" in mine.get("/test").content
    assert b"No model to test" in other.get("/test").content


def test_prelabelling_offers_what_is_not_labelled_and_stores_no_label(deployed, api_as, alice, ready_dataset, images):
    from apps.annotations.models import Annotation
    from apps.datasets.services import add_class

    add_class(ready_dataset, "Disc")
    before = Annotation.objects.count()
    address = f"/api/v1/datasets/{ready_dataset.pk}/images/{images[0].pk}/prelabel"
    body = api_as(alice).post(address, {"model_id": deployed.pk, "conf": 0.01}).json()
    assert body["unmapped"] == ["square", "cross"]
    assert {one["class_name"] for one in body["predictions"]} <= {"Disc"}
    assert Annotation.objects.count() == before


def test_prelabelling_many_makes_suggestions_by_a_job(
    deployed, api_as, alice, carol, ready_dataset, run_tasks_at_once, django_capture_on_commit_callbacks
):
    from apps.annotations.models import Annotation
    from apps.datasets.services import add_class

    add_class(ready_dataset, "disc")
    before = Annotation.objects.count()
    address = f"/api/v1/datasets/{ready_dataset.pk}/prelabel"
    question = {"model_id": deployed.pk, "conf": 0.01, "filter": {"split": "val"}}
    assert api_as(carol).post(address, question).status_code == 404
    with django_capture_on_commit_callbacks(execute=True):
        job = api_as(alice).post(address, question).json()
    done = api_as(alice).get(f"/api/v1/jobs/{job['id']}").json()
    assert (done["status"], done["result"]["images"]) == ("completed", 2), done
    assert Annotation.objects.count() == before
    image = ready_dataset.images.filter(split="val").first()
    offered = api_as(alice).get(f"/api/v1/datasets/{ready_dataset.pk}/images/{image.pk}/suggestions").json()
    assert len(offered["predictions"]) == image.suggestions.count()


def test_a_call_without_conf_uses_the_operating_point_of_the_model(deployed, api_as, alice):
    api = api_as(alice)
    everything = ask(api, model_id=deployed.pk, conf=0.01).json()["predictions"]
    middle = sorted(one["confidence"] for one in everything)[len(everything) // 2]
    assert all(one["confidence"] >= 0.25 for one in ask(api, model_id=deployed.pk).json()["predictions"])
    answer = api.patch(f"/api/v1/models/{deployed.pk}", {"operating_point": {"confidence": middle}}, format="json")
    assert answer.status_code == 200
    confidences = [one["confidence"] for one in ask(api, model_id=deployed.pk).json()["predictions"]]
    assert confidences
    assert min(confidences) >= middle - 1e-4
    asked = ask(api, model_id=deployed.pk, conf=0.01).json()["predictions"]
    assert min(one["confidence"] for one in asked) < middle


def test_classes_have_thresholds_of_their_own_where_the_model_says_so(deployed, api_as, alice):
    api = api_as(alice)
    everything = ask(api, model_id=deployed.pk, conf=0.01).json()["predictions"]
    kept = {one["class_id"] for one in everything}
    hidden = everything[0]["class_id"]
    point = {"confidence": 0.01, "per_class": {str(hidden): 1.0}}
    assert api.patch(f"/api/v1/models/{deployed.pk}", {"operating_point": point}, format="json").status_code == 200
    found = ask(api, model_id=deployed.pk).json()["predictions"]
    assert {one["class_id"] for one in found if one["confidence"] < 1} == kept - {hidden}


def test_of_models_of_one_name_ones_own_answers_and_else_the_newest(deployed, api_as, alice, carol, weights):
    """The prepared queries choose as the rule says, and see each change at once."""
    from apps.inference.access import get_model_to_ask

    type(deployed).objects.update(is_public=True)
    twins = []
    for owner in (alice, carol):
        known = {"class_names": deployed.class_names, "img_size": 64, "metrics": {}, "is_public": True}
        twins.append(register_model(owner=owner, name="Twin", model_type="yolov8n", weights=weights, **known))
    type(deployed).objects.filter(pk__in=[one.pk for one in twins]).update(is_deployed=True)
    assert get_model_to_ask(alice, name="Twin").pk == twins[0].pk
    assert get_model_to_ask(carol, name="Twin").pk == twins[1].pk
    assert get_model_to_ask(deployed.owner.__class__(pk=0), name="Twin").pk == twins[1].pk
    type(deployed).objects.filter(pk=twins[1].pk).update(is_deployed=False)
    assert get_model_to_ask(carol, name="Twin").pk == twins[0].pk


def test_a_revoked_token_is_refused_by_the_very_next_call(deployed, alice, client):
    token, key = create_token(alice, "bench", "infer")
    headers = {"Authorization": f"Token {key}"}

    def status():
        wanted = {"image": upload("a.jpg", seed=5), "model_id": deployed.pk}
        return client.post("/api/v1/predictions/infer", wanted, headers=headers).status_code

    assert status() == 200
    token.delete()
    assert status() == 401
