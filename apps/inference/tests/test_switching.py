"""Switching what answers behind a name: the gate, the swap, the way back. The runtimes are fake ones."""

import json
import threading

import pytest
from celery import current_app

from apps.annotations.services.versions import create_version
from apps.core.jobs import run_job
from apps.core.models import Delivery, Job
from apps.core.webhooks import services as webhooks
from apps.inference import services
from apps.inference.models import Deployment, Switch
from apps.inference.services import switching
from apps.inference.tests.fakes import BOTH, FakeRuntime, make_version
from apps.models.models import TrainedModel
from conftest import upload

ADDRESS = "/api/v1/deployments"
HALF = BOTH[:1]  # finds one of the two classes


def ask(api, **data):
    return api.post("/api/v1/predictions/infer", {"image": upload("a.jpg", seed=5), **data}, format="multipart")


def test_a_version_that_is_as_good_takes_over_and_the_one_before_is_kept(deployment, versions, switched, api_as, alice):
    switch = switched(deployment, versions[1])
    deployment.refresh_from_db()
    assert (switch.state, switch.by, switch.old, switch.new) == ("done", alice, *versions)
    assert (deployment.model, deployment.previous) == (versions[1], versions[0])
    assert ask(api_as(alice), model="Cells").json()["model"]["id"] in {one.pk for one in versions}
    judged = switch.judgement
    assert (judged["images"], judged["labels"], judged["difference"]) == (2, 2, 0)
    assert {row["name"]: (row["live"], row["new"]) for row in judged["per_class"]} == {
        "red": (0.4975, 0.4975),
        "white": (0.995, 0.995),
    }
    assert judged["new"]["milliseconds"] >= 0


def test_webhooks_are_told_of_what_answers_from_now_on(deployment, versions, switched, alice):
    webhooks.create_webhook(alice, "https://example.org/", ["model.deployed"])
    switched(deployment, versions[1])
    deployment.refresh_from_db()
    services.go_back(deployment, alice)
    services.undeploy_model(versions[0])
    services.deploy_model(versions[0], alice)
    told = [json.loads(row.body)["data"] for row in Delivery.objects.order_by("created_at")]
    assert [data["model_id"] for data in told] == [versions[1].pk, versions[0].pk, versions[0].pk]
    assert told[0]["deployment"] == "Cells"


def test_the_gate_blocks_what_falls_by_more_than_is_accepted_and_says_which_class(
    deployment, versions, switched, fake_runtimes, page_as, alice
):
    fake_runtimes[versions[1].pk] = FakeRuntime(HALF)
    switch = switched(deployment, versions[1])
    deployment.refresh_from_db()
    assert (switch.state, deployment.model) == ("blocked", versions[0])
    assert "lower than that of the live version" in switch.reason
    worst = switch.judgement["per_class"][0]
    assert (worst["name"], worst["new"]) == ("white", 0)
    assert not TrainedModel.objects.get(pk=versions[1].pk).is_deployed
    page = page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()
    assert "Switch nevertheless" in page
    assert "The last judgement" in page


def test_an_owner_overrules_the_gate_with_a_reason_that_stays_and_nothing_is_judged_twice(
    deployment, versions, switched, fake_runtimes, monkeypatch, page_as, alice
):
    fake_runtimes[versions[1].pk] = FakeRuntime(HALF)
    blocked = switched(deployment, versions[1])
    monkeypatch.setattr(switching, "judge", lambda *a: pytest.fail("it was judged already"))
    switch = switched(deployment, versions[1], overrule="White is not sold any more")
    deployment.refresh_from_db()
    assert (switch.state, switch.overruled, deployment.model) == ("done", "White is not sold any more", versions[1])
    assert switch.judgement == blocked.judgement
    assert "White is not sold any more" in page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()


def test_a_reason_is_forgotten_where_the_gate_did_not_block(deployment, versions, switched):
    switch = switched(deployment, versions[1], overrule="whatever it says")
    assert (switch.state, switch.overruled) == ("done", "")


def test_a_greater_fall_may_be_accepted(deployment, versions, switched, fake_runtimes, page_as, alice):
    fake_runtimes[versions[1].pk] = FakeRuntime(HALF)
    page_as(alice).post(f"/deployments/{deployment.pk}/gate", {"gate_split": "val", "max_fall": "1"})
    assert switched(deployment, versions[1]).state == "done"


def test_a_class_that_the_new_version_does_not_know_counts_as_not_found(
    deployment, versions, switched, ready_dataset, alice
):
    other = make_version(ready_dataset, alice, 3, class_names=["red"])
    TrainedModel.objects.filter(pk=other.pk).update(dataset_version=None)  # its classes are found by their names
    switch = switched(deployment, other)
    assert switch.state == "blocked"
    assert {row["name"]: row["new"] == 0 for row in switch.judgement["per_class"]} == {"red": False, "white": True}


def test_without_labelled_images_the_gate_blocks_and_says_what_to_do(deployment, versions, switched, dataset, alice):
    Deployment.objects.update(gate_version=None)
    TrainedModel.objects.update(dataset_version=None)
    switch = switched(deployment, versions[1])
    assert (switch.state, "overrule the gate" in switch.reason) == ("blocked", True)
    assert switched(deployment, versions[1], overrule="There are none").state == "done"


def test_the_test_split_is_the_gates_where_there_is_one(ready_dataset, alice, fake_runtimes):
    from apps.datasets.services import set_split

    set_split(ready_dataset, ready_dataset.images.filter(split="val"), "test")
    create_version(ready_dataset, alice)
    model = make_version(ready_dataset, alice, 1)
    services.deploy_model(model, alice)
    assert model.deployments.get().gate_split == "test"


def test_one_click_goes_back_at_once_and_forth_again(deployment, versions, switched, api_as, alice):
    switched(deployment, versions[1])
    api, at = api_as(alice), f"{ADDRESS}/{deployment.pk}"
    back = api.post(f"{at}/back")
    assert (back.status_code, back.json()["switch"]["is_return"]) == (200, True)
    assert ask(api, model="Cells").json()["model"]["id"] == versions[0].pk
    assert api.post(f"{at}/back").json()["switch"]["new"]["id"] == versions[1].pk
    kinds = [(row["new"]["version"], row["is_return"]) for row in api.get(f"{at}/switches").json()["results"]]
    assert kinds == [(2, True), (1, True), (2, False), (1, False)]


def test_there_is_no_way_back_from_the_first_version(deployment, api_as, page_as, alice):
    assert api_as(alice).post(f"{ADDRESS}/{deployment.pk}/back").status_code == 409
    assert page_as(alice).post(f"/deployments/{deployment.pk}/back").status_code == 302
    assert deployment.switches.count() == 1


def test_no_way_back_to_a_version_whose_files_are_gone(deployment, versions, switched, api_as, alice):
    switched(deployment, versions[1])
    TrainedModel.objects.filter(pk=versions[0].pk).update(serving_file="")
    answer = api_as(alice).post(f"{ADDRESS}/{deployment.pk}/back")
    assert (answer.status_code, "Switch to it" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("why", ["live already", "of carol's", "archived", "no such"])
def test_a_model_that_cannot_be_brought_is_refused_by_its_field(deployment, versions, api_as, alice, carol, why):
    pk = {"live already": versions[0].pk, "no such": 10**9}.get(why, versions[1].pk)
    if why == "of carol's":
        TrainedModel.objects.filter(pk=pk).update(owner=carol)
    if why == "archived":
        TrainedModel.objects.filter(pk=pk).update(stage="archived")
    answer = api_as(alice).post(f"{ADDRESS}/{deployment.pk}/switch", {"model_id": pk})
    assert (answer.status_code, list(answer.json())) == (400, ["model_id"])


def test_one_switch_at_a_time(deployment, versions, ready_dataset, alice, api_as, monkeypatch, page_as):
    monkeypatch.setattr(current_app, "send_task", lambda *a, **k: None)
    third = make_version(ready_dataset, alice, 3)
    api, at = api_as(alice), f"{ADDRESS}/{deployment.pk}/switch"
    first = api.post(at, {"model_id": versions[1].pk}).json()
    assert api.post(at, {"model_id": versions[1].pk}).json()["switch"]["id"] == first["switch"]["id"]
    assert api.post(at, {"model_id": third.pk}).status_code == 409
    assert "is on its way" in page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()
    page_as(alice).post(f"/deployments/{deployment.pk}/switch/cancel")
    rows = api.get(f"{ADDRESS}/{deployment.pk}/switches").json()["results"]
    assert (rows[0]["state"], rows[0]["reason"]) == ("failed", "It was cancelled.")
    assert api.post(at, {"model_id": third.pk}).status_code == 202


def test_a_switch_that_was_cancelled_on_its_way_does_not_swap(deployment, versions, switched, monkeypatch):
    really = switching.judge

    def judge_then_cancel(*args):
        found = really(*args)
        Job.objects.update(status="cancelled")
        return found

    monkeypatch.setattr(switching, "judge", judge_then_cancel)
    switch = switched(deployment, versions[1])
    deployment.refresh_from_db()
    assert (switch.outcome, switch.words, deployment.model) == ("failed", "It was cancelled.", versions[0])


@pytest.mark.parametrize("where", ["_ask_the_gate", "_load", "_swap"])
def test_a_switch_that_was_killed_anywhere_runs_again_to_the_same_end(deployment, versions, alice, monkeypatch, where):
    monkeypatch.setattr(current_app, "send_task", lambda *a, **k: None)
    switch = services.start_switch(deployment, versions[1], alice)
    really = getattr(switching, where)

    def do_then_die(*args):
        really(*args)
        raise SystemExit

    monkeypatch.setattr(switching, where, do_then_die)
    with pytest.raises(SystemExit):
        run_job(switch.job_id, services.run_switch)
    monkeypatch.setattr(switching, where, really)
    for _ in range(2):
        Job.objects.update(status="pending", run_token="")
        run_job(switch.job_id, services.run_switch)
    deployment.refresh_from_db()
    switch.refresh_from_db()
    assert (switch.state, deployment.model, deployment.previous) == ("done", versions[1], versions[0])
    assert Switch.objects.count() == 2


def test_a_switch_does_not_undo_another_one_that_came_first(
    deployment, versions, ready_dataset, switched, alice, monkeypatch
):
    third = make_version(ready_dataset, alice, 3)
    switched(deployment, versions[1])
    really = switching.judge

    def judge_while_someone_goes_back(*args):
        services.go_back(Deployment.objects.get(), alice)
        return really(*args)

    monkeypatch.setattr(switching, "judge", judge_while_someone_goes_back)
    deployment.refresh_from_db()
    switch = switched(deployment, third)
    deployment.refresh_from_db()
    assert (switch.state, deployment.model) == ("failed", versions[0])
    assert "meanwhile" in switch.words


def test_a_version_that_was_archived_meanwhile_does_not_take_over(deployment, versions, switched, monkeypatch):
    really = switching.judge

    def judge_while_it_is_archived(*args):
        TrainedModel.objects.filter(pk=versions[1].pk).update(stage="archived")
        return really(*args)

    monkeypatch.setattr(switching, "judge", judge_while_it_is_archived)
    switch = switched(deployment, versions[1])
    deployment.refresh_from_db()
    assert (switch.state, "archived" in switch.words, deployment.model) == ("failed", True, versions[0])


def test_a_version_that_was_never_built_is_built_first(deployment, ready_dataset, switched, alice, monkeypatch):
    new = make_version(ready_dataset, alice, 3, built=False)
    built = []

    def build(model, report, ground):
        report(0.5, "Building")
        built.append(model)
        like = TrainedModel.objects.get(pk=deployment.model_id)
        TrainedModel.objects.filter(pk=model.pk).update(serving_file=like.serving_file.name, serving=like.serving)
        model.refresh_from_db()

    monkeypatch.setattr(switching, "build", build)
    assert (switched(deployment, new).state, built) == ("done", [new])


def test_defaults_follow_the_names_of_classes(deployment, ready_dataset, switched, alice):
    Deployment.objects.update(defaults={"per_class": {"0": 0.3, "1": 0.6}, "classes": [1], "iou": 0.5})
    other = make_version(ready_dataset, alice, 3, class_names=["white", "blue"])
    switched(deployment, other, overrule="try it")
    deployment.refresh_from_db()
    assert deployment.defaults == {"per_class": {"0": 0.6}, "classes": [0], "iou": 0.5}


def test_what_its_owner_changes_meanwhile_stays_and_a_shadow_that_takes_over_is_none_any_more(
    deployment, versions, switched, monkeypatch
):
    really = switching.judge

    def judge_while_defaults_change(*args):
        Deployment.objects.update(defaults={"conf": 0.6}, shadow=versions[1])
        return really(*args)

    monkeypatch.setattr(switching, "judge", judge_while_defaults_change)
    switched(deployment, versions[1])
    deployment.refresh_from_db()
    assert (deployment.model, deployment.defaults, deployment.shadow) == (versions[1], {"conf": 0.6}, None)


def test_until_the_new_one_is_loaded_the_old_one_answers_and_nobody_waits(
    deployment, versions, api_as, alice, monkeypatch, fake_runtimes
):
    from apps.inference.services import answering

    api = api_as(alice)
    assert ask(api, model="Cells").json()["model"]["id"] == versions[0].pk
    may_load, loads = threading.Event(), []

    def load(model):
        loads.append(model.pk)
        assert may_load.wait(20)
        return FakeRuntime(BOTH)

    monkeypatch.setattr(answering, "_load", load)
    Deployment.objects.update(model=versions[1], previous=versions[0])
    for _ in range(3):
        assert ask(api, model="Cells").json()["model"]["id"] == versions[0].pk
    may_load.set()
    for thread in threading.enumerate():
        if thread.name == f"load-{versions[1].pk}":
            thread.join(20)
    assert ask(api, model="Cells").json()["model"]["id"] == versions[1].pk
    assert loads == [versions[1].pk]


def test_a_process_that_never_answered_with_the_old_one_loads_the_new_one(deployment, versions, api_as, alice):
    Deployment.objects.update(model=versions[1], previous=versions[0])
    assert ask(api_as(alice), model="Cells").json()["model"]["id"] == versions[1].pk


def test_a_new_one_that_cannot_be_loaded_leaves_the_old_one_answering(deployment, versions, api_as, alice, monkeypatch):
    from apps.inference.services import answering

    ask(api_as(alice), model="Cells")

    def broken(model):
        raise services.NotServed("its files are damaged")

    monkeypatch.setattr(answering, "_load", broken)
    Deployment.objects.update(model=versions[1], previous=versions[0])
    assert ask(api_as(alice), model="Cells").status_code == 200


def test_a_job_of_a_deployment_that_is_gone_ends_in_words(deployment, versions, alice, monkeypatch):
    monkeypatch.setattr(current_app, "send_task", lambda *a, **k: None)
    switch = services.start_switch(deployment, versions[1], alice)
    services.delete_deployment(deployment)
    run_job(switch.job_id, services.run_switch)
    assert Job.objects.get(pk=switch.job_id).error_message == "The deployment is gone."
