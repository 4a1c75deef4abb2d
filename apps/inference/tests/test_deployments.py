"""Deployments: the name in front of a model, its doors, its defaults, its pages. The runtime is a fake one."""

import pytest
from django.http import Http404

from apps.core.jobs import create_job
from apps.core.models import Job
from apps.inference import services
from apps.inference.models import Deployment, Switch
from apps.inference.shadow import settings as shadow
from apps.models import services as models
from apps.models.models import TrainedModel
from conftest import upload

ADDRESS = "/api/v1/deployments"


def ask(api, **data):
    data = {"image": upload("a.jpg", seed=5, width=200, height=150)} | data
    return api.post("/api/v1/predictions/infer", data, format="multipart")


def test_deploying_a_model_makes_a_deployment_under_the_name_of_its_line(deployment, versions, alice, api_as):
    assert (deployment.name, deployment.owner, deployment.model) == ("Cells", alice, versions[0])
    assert (deployment.gate_version, deployment.gate_split) == (versions[0].dataset_version, "val")
    began = deployment.switches.get()
    assert (began.old, began.new, began.state, began.by) == (None, versions[0], "done", alice)
    assert ask(api_as(alice), model="Cells").json()["model"] == {"id": versions[0].pk, "name": "Cells"}


@pytest.mark.parametrize("who", ["alice", "operator"])
def test_owner_and_operator_ask_by_name(deployment, versions, api_as, request, who):
    answer = ask(api_as(request.getfixturevalue(who)), model="Cells")
    assert (answer.status_code, answer.json()["model"]["id"]) == (200, versions[0].pk)


def test_deploying_another_version_does_not_switch_the_name(deployment, versions, alice, api_as):
    answer = api_as(alice).post(f"/api/v1/models/{versions[1].pk}/deploy")
    assert answer.json()["is_deployed"] is True
    assert ask(api_as(alice), model="Cells").json()["model"]["id"] == versions[0].pk
    assert ask(api_as(alice), model_id=versions[1].pk).json()["model"]["id"] == versions[1].pk


def test_undeploying_the_live_version_pauses_the_name_until_it_is_deployed_again(deployment, versions, alice, api_as):
    api = api_as(alice)
    services.deploy_model(versions[1], alice)
    assert api.post(f"/api/v1/models/{versions[0].pk}/undeploy").json()["is_deployed"] is False
    refused = ask(api, model="Cells")  # never by surprise by the other version, which is deployed
    assert refused.status_code == 409
    assert "paused" in refused.json()["detail"]
    api.post(f"/api/v1/models/{versions[0].pk}/deploy")
    assert ask(api, model="Cells").json()["model"]["id"] == versions[0].pk


def test_the_page_of_a_model_is_loaded_anew_when_it_is_deployed_and_when_it_no_longer_is(versions, page_as, alice):
    """Its lineage, its files and whether it may be deleted are said outside of the panel."""
    page, at = page_as(alice), f"/models/{versions[0].pk}"
    htmx = {"HTTP_HX_REQUEST": "true"}
    assert "HX-Refresh" not in page.get(f"{at}/deployment", **htmx)  # as the page loads it
    for what in ("deploy", "undeploy"):
        assert page.post(f"{at}/{what}", **htmx)["HX-Refresh"] == "true"
    job = create_job(alice, "deploy", "apps.inference.tasks.deploy", subject=f"model:{versions[0].pk}")
    watching = page.get(f"{at}/deployment", **htmx)
    assert "/deployment?watched=1" in watching.content.decode()
    assert "HX-Refresh" not in page.get(f"{at}/deployment?watched=1", **htmx)
    Job.objects.filter(pk=job.pk).update(status="completed")
    assert page.get(f"{at}/deployment?watched=1", **htmx)["HX-Refresh"] == "true"


@pytest.mark.parametrize("path", ["", "/switches"])
def test_outsiders_get_404_from_a_private_deployment(deployment, api_as, carol, page_as, path):
    assert api_as(carol).get(f"{ADDRESS}/{deployment.pk}{path}").status_code == 404
    assert page_as(carol).get(f"/deployments/{deployment.pk}").status_code == 404


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_only_the_owner_changes_a_deployment(deployment, versions, api_as, page_as, request, who):
    Deployment.objects.update(is_public=who == "bob")
    refused = 403 if who == "bob" else 404
    api, page = api_as(request.getfixturevalue(who)), page_as(request.getfixturevalue(who))
    at = f"{ADDRESS}/{deployment.pk}"
    assert api.patch(at, {"name": "x"}, format="json").status_code == refused
    assert api.delete(at).status_code == refused
    assert api.post(f"{at}/switch", {"model_id": versions[1].pk}).status_code == refused
    assert api.post(f"{at}/back").status_code == refused
    assert api.get(f"{at}/switches").status_code == refused
    for part in (
        "switch",
        "switch/cancel",
        "back",
        "delete",
        "pause",
        "resume",
        "defaults",
        "gate",
        "settings",
        "serving",
    ):
        assert page.post(f"/deployments/{deployment.pk}/{part}").status_code == refused, part
    assert Deployment.objects.get().model == versions[0]


def test_a_reader_asks_a_public_deployment_though_the_model_is_private_and_sees_no_history(
    deployment, api_as, page_as, bob
):
    Deployment.objects.update(is_public=True)
    assert ask(api_as(bob), model="Cells").status_code == 200
    page = page_as(bob).get(f"/deployments/{deployment.pk}").content.decode()
    assert "call-curl" in page
    assert "History" not in page
    assert f"/models/{deployment.model_id}/" not in page


def test_a_deployment_is_made_by_the_api_with_its_first_model(versions, api_as, alice):
    api = api_as(alice)
    answer = api.post(ADDRESS, {"name": "line 3", "model_id": versions[0].pk, "defaults": {"conf": 0.5}}, format="json")
    body = answer.json()
    assert (answer.status_code, body["answers"], body["model"]["version"]) == (201, True, 1)
    assert body["defaults"] == {"conf": 0.5}
    assert ask(api, model="line 3").json()["model"]["id"] == versions[0].pk
    assert api.get(f"{ADDRESS}/").json()["count"] == 1


def test_a_name_without_a_model_says_so(alice, api_as):
    body = api_as(alice).post(ADDRESS, {"name": "empty"}, format="json").json()
    assert (body["answers"], body["model"]) == (False, None)
    refused = ask(api_as(alice), model="empty")
    assert refused.status_code == 409
    assert "bring a model" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": ""}, "name"), ({"name": "x" * 121}, "name"), ({"name": "a\u0007b"}, "name"),
        ({"name": "Cells"}, "name"), ({"name": "x", "gate_split": "train"}, "gate_split"),
        ({"name": "x", "model_id": 10**9}, "model_id"), ({"name": "x", "model_id": "one"}, "model_id"),
        ({"name": "x", "gate_version_id": 10**9}, "gate_version_id"),
        ({"name": "x", "max_fall": 2}, "max_fall"), ({"name": "x", "defaults": {"conf": 2}}, "defaults"),
        ({"name": "x", "defaults": {"confidence": 0.5}}, "defaults"), ({"name": "x", "defaults": [1]}, "defaults"),
        ({"name": "x", "defaults": {"max_det": 0}}, "defaults"),
        ({"name": "x", "defaults": {"classes": "a"}}, "defaults"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_by_the_name_of_their_field(deployment, api_as, alice, values, field):
    answer = api_as(alice).post(ADDRESS, values, format="json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert Deployment.objects.count() == 1


def test_the_gate_takes_no_version_of_a_dataset_that_one_cannot_see(deployment, api_as, page_as, carol, alice):
    version = deployment.gate_version_id
    theirs = api_as(carol).post(ADDRESS, {"name": "x", "gate_version_id": version}, format="json")
    assert theirs.status_code == 400
    assert api_as(carol).post(ADDRESS, {"name": "x", "model_id": deployment.model_id}, format="json").status_code == 400


def test_defaults_hold_where_a_call_says_nothing(deployment, versions, api_as, alice):
    api, at = api_as(alice), f"{ADDRESS}/{deployment.pk}"

    def classes(**data):
        return [one["class_id"] for one in ask(api, model="Cells", **data).json()["predictions"]]

    assert classes() == [0, 1]
    assert api.patch(at, {"defaults": {"conf": 0.85}}, format="json").status_code == 200
    assert classes() == [0]
    assert classes(conf=0.5) == [0, 1]
    api.patch(at, {"defaults": {"per_class": {"0": 0.95}}}, format="json")
    assert classes() == [1]
    assert classes(conf=0.3) == [0, 1]  # a call with a confidence of its own has no default by class
    api.patch(at, {"defaults": {"classes": [1], "max_det": 1}}, format="json")
    assert classes() == [1]
    assert classes(classes="0,1") == [0]
    assert api.patch(at, {"defaults": {"classes": [2]}}, format="json").status_code == 400


def test_without_defaults_the_operating_point_of_the_live_model_decides(deployment, versions, api_as, alice):
    type(versions[0]).objects.filter(pk=versions[0].pk).update(operating_point={"confidence": 0.85, "per_class": {}})
    assert len(ask(api_as(alice), model="Cells").json()["predictions"]) == 1


def test_the_form_keeps_defaults_by_class(deployment, page_as, alice):
    page, at = page_as(alice), f"/deployments/{deployment.pk}/defaults"
    sent = {"conf": "0.4", "iou": "", "max_det": "", "conf_1": "0.6", "shown_1": "on"}
    assert page.post(at, sent).status_code == 302
    assert Deployment.objects.get().defaults == {"conf": 0.4, "per_class": {"1": 0.6}, "classes": [1]}
    refused = page.post(at, sent | {"conf": "7", "shown_1": ""})
    assert refused.status_code == 400
    assert "Answer at least one class" in refused.content.decode()


def test_renaming_to_a_name_that_one_has_is_refused_in_the_form_and_by_the_api(deployment, page_as, api_as, alice):
    services.create_deployment(alice, "other")
    assert api_as(alice).patch(f"{ADDRESS}/{deployment.pk}", {"name": "other"}, format="json").status_code == 400
    page = page_as(alice).post(f"/deployments/{deployment.pk}/settings", {"name": "other", "description": ""})
    assert page.status_code == 400
    assert "You have another deployment" in page.content.decode()


def test_a_paused_deployment_says_so_and_answers_again(deployment, page_as, api_as, alice):
    page_as(alice).post(f"/deployments/{deployment.pk}/pause")
    assert ask(api_as(alice), model="Cells").status_code == 409
    page_as(alice).post(f"/deployments/{deployment.pk}/resume")
    assert ask(api_as(alice), model="Cells").status_code == 200


def test_a_deployed_model_is_not_deleted_and_the_words_say_what_to_do(deployment, versions, page_as, api_as, alice):
    refused = api_as(alice).delete(f"/api/v1/models/{versions[0].pk}")
    assert refused.status_code == 409
    assert "Undeploy it first" in refused.json()["detail"]
    page_as(alice).post(f"/models/{versions[0].pk}/delete")
    assert ask(api_as(alice), model="Cells").status_code == 200
    api_as(alice).post(f"/api/v1/models/{versions[0].pk}/undeploy")
    assert api_as(alice).delete(f"/api/v1/models/{versions[0].pk}").status_code == 204
    deployment.refresh_from_db()
    assert (deployment.model, deployment.answers) == (None, False)


def test_deleting_a_deployment_takes_the_name_away(deployment, versions, api_as, alice):
    assert api_as(alice).delete(f"{ADDRESS}/{deployment.pk}").status_code == 204
    assert ask(api_as(alice), model="Cells").status_code == 404
    assert not type(versions[0]).objects.get(pk=versions[0].pk).is_deployed


def test_ones_own_name_is_asked_before_a_public_one(deployment, versions, api_as, bob, alice):
    Deployment.objects.update(is_public=True)
    services.create_deployment(bob, "Cells")
    assert ask(api_as(bob), model="Cells").status_code == 409  # bob's own, with nothing behind it
    assert ask(api_as(alice), model="Cells").status_code == 200


def test_the_list_costs_the_same_for_one_and_for_many(deployment, page_as, api_as, alice, django_assert_num_queries):
    page = page_as(alice)
    for number in range(12):
        Deployment.objects.create(owner=alice, name=f"d{number}", model=deployment.model, previous=deployment.model)
    with django_assert_num_queries(5):
        assert b"d11" in page.get("/deployments/").content
    with django_assert_num_queries(2):
        assert api_as(alice).get(ADDRESS).json()["count"] == 13


def test_the_list_of_a_newcomer_says_what_to_do(page_as, carol):
    page = page_as(carol).get("/deployments/").content.decode()
    assert "No deployment yet" in page
    assert "No model to deploy" in page_as(carol).get("/deployments/new").content.decode()


def test_the_page_costs_the_same_with_a_long_history(deployment, versions, page_as, alice, django_assert_num_queries):
    page = page_as(alice)
    for _ in range(20):
        Switch.objects.create(deployment=deployment, old=versions[0], new=versions[1], by=alice, state="done")
    with django_assert_num_queries(11):
        assert page.get(f"/deployments/{deployment.pk}").status_code == 200


def test_the_models_page_shows_its_deployments(deployment, versions, page_as, alice):
    panel = page_as(alice).get(f"/models/{versions[0].pk}/deployment").content.decode()
    assert f"/deployments/{deployment.pk}" in panel
    other = page_as(alice).get(f"/models/{versions[1].pk}/deployment").content.decode()
    assert f"/deployments/{deployment.pk}?to={versions[1].pk}#switch" in other


def test_a_batch_asks_by_the_name_too_and_has_its_defaults(deployment, api_as, alice, bob, ready_dataset, monkeypatch):
    from celery import current_app

    from apps.core.models import Job

    monkeypatch.setattr(current_app, "send_task", lambda *a, **k: None)
    Deployment.objects.update(name="line 3", is_public=True, defaults={"max_det": 7})
    wanted = {"model": "line 3", "dataset_id": ready_dataset.pk}
    assert api_as(alice).post("/api/v1/predictions/batch", wanted, format="json").status_code == 202
    params = Job.objects.get(kind="batch").params
    assert (params["model_id"], params["options"]["max_det"]) == (deployment.model_id, 7)
    assert api_as(bob).post("/api/v1/predictions/batch", wanted, format="json").status_code == 404
    Deployment.objects.update(is_active=False)
    assert api_as(alice).post("/api/v1/predictions/batch", wanted, format="json").status_code == 409


def test_an_operator_asks_by_name_what_is_theirs_before_what_is_others(deployment, versions, api_as, operator):
    assert ask(api_as(operator), model="Cells").json()["model"]["id"] == versions[0].pk
    services.create_deployment(operator, "Cells")
    assert ask(api_as(operator), model="Cells").status_code == 409
    assert ask(api_as(operator), model="nothing").status_code == 404


def test_what_was_deleted_meanwhile_is_no_error_of_the_platform(deployment, versions, alice):
    stale = Deployment.objects.get(pk=deployment.pk)
    with pytest.raises(services.SwitchRefused, match="deleted meanwhile"):
        services.start_switch(stale, gone(versions[1]), alice)
    with pytest.raises(shadow.ShadowRefused, match="deleted meanwhile"):
        shadow.start_shadow(stale, versions[1], 0.5, alice)
    with pytest.raises(Http404, match="deleted meanwhile"):
        models.update_model(versions[1], alice, description="late")
    services.delete_deployment(deployment, alice)
    for do in (services.go_back, services.update_deployment):
        with pytest.raises(Http404):
            do(stale, alice)
    services.delete_deployment(stale, alice)  # it is done


def gone(model):
    """A model as somebody knew it who asks after it was deleted."""
    TrainedModel.objects.filter(pk=model.pk).delete()
    return model


def test_who_goes_back_after_somebody_else_did_does_not_go_forth_again(deployment, versions, switched, alice):
    switched(deployment, versions[1])
    deployment.refresh_from_db()
    late = Deployment.objects.get(pk=deployment.pk)
    services.go_back(deployment, alice)
    with pytest.raises(services.SwitchRefused, match="meanwhile"):
        services.go_back(late, alice)
    late.refresh_from_db()
    assert late.model == versions[0]
