"""What answers for a deployment is live, as long as it does, and nothing says otherwise."""

import pytest

from apps.inference import services
from apps.inference.models import Deployment
from apps.inference.tests.fakes import make_version
from apps.models.models import TrainedModel


def stages():
    """{number of the version: its stage}."""
    return dict(TrainedModel.objects.order_by("number").values_list("number", "stage"))


def test_a_switch_makes_the_new_one_live_and_the_one_before_a_candidate_and_back(
    deployment, versions, switched, alice, page_as
):
    assert stages() == {1: "live", 2: "candidate"}
    switched(deployment, versions[1])
    assert stages() == {1: "candidate", 2: "live"}
    page = page_as(alice).get("/models/").content.decode()
    assert "asked by id" in page  # the first: it can be asked still, and gone back to
    assert "deployed</span>" not in page
    deployment.refresh_from_db()
    services.go_back(deployment, alice)
    assert stages() == {1: "live", 2: "candidate"}


def test_what_another_deployment_has_stays_live(deployment, versions, switched, alice):
    other = services.create_deployment(alice, "staging")
    services.start_switch(other, versions[0], alice)
    switched(deployment, versions[1])
    assert stages() == {1: "live", 2: "live"}
    other.refresh_from_db()
    services.delete_deployment(other)
    assert stages() == {1: "candidate", 2: "live"}


def test_pausing_and_undeploying_end_it_and_answering_again_begins_it(deployment, versions, alice):
    services.update_deployment(deployment, is_active=False)
    assert stages()[1] == "candidate"
    services.update_deployment(deployment, is_active=True)
    assert stages()[1] == "live"
    services.undeploy_model(versions[0])
    assert stages()[1] == "candidate"
    services.deploy_model(versions[0], alice)
    assert stages()[1] == "live"
    services.delete_deployment(Deployment.objects.get())
    assert stages()[1] == "candidate"


def test_a_version_that_was_only_built_is_no_more_than_asked_by_its_id(deployment, versions, alice, page_as):
    services.deploy_model(versions[1], alice)
    assert stages() == {1: "live", 2: "candidate"}
    panel = page_as(alice).get(f"/models/{versions[1].pk}/deployment").content.decode()
    assert "asked by id" in panel
    assert 'badge-deployed">deployed' not in panel
    page = page_as(alice).get(f"/models/{versions[1].pk}/").content.decode()
    assert f"/deployments/{deployment.pk}?to={versions[1].pk}#switch" in page  # “Make it live” is the switch
    assert "Make it live" not in page_as(alice).get(f"/models/{versions[0].pk}/").content.decode()


@pytest.mark.parametrize(("number", "stage", "words"), [
    (1, "candidate", "It answers for “Cells”"), (2, "live", "“Cells v1” answers for “Cells”"),
    (1, "archived", "Undeploy it first"),
])  # fmt: skip
def test_a_stage_that_contradicts_what_answers_is_refused(deployment, versions, alice, api_as, number, stage, words):
    at = f"/api/v1/models/{versions[number - 1].pk}"
    answer = api_as(alice).patch(at, {"stage": stage}, format="json")
    assert (answer.status_code, words in answer.json()["stage"][0]) == (400, True)
    assert stages() == {1: "live", 2: "candidate"}


def test_one_that_was_called_live_by_hand_is_a_candidate_once_another_of_its_line_answers(
    versions, ready_dataset, alice
):
    from apps.models.services import set_stage

    third = make_version(ready_dataset, alice, 3)
    set_stage(third, "live")
    services.deploy_model(versions[0], alice)
    assert stages() == {1: "live", 2: "candidate", 3: "candidate"}


def test_models_that_answered_before_there_was_this_are_made_live(deployment, versions):
    from importlib import import_module

    from django.apps import apps

    TrainedModel.objects.filter(pk=versions[0].pk).update(stage="candidate")
    TrainedModel.objects.filter(pk=versions[1].pk).update(stage="live")
    import_module("apps.inference.migrations.0011_live_models").make_live(apps, None)
    assert stages() == {1: "live", 2: "candidate"}
