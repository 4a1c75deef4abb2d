"""The testing page: what it offers to whom, and where its sliders start."""

import json

import pytest

from apps.accounts.services import create_token
from apps.datasets.models import Dataset
from apps.inference import after
from apps.inference.models import Deployment
from apps.models.models import ModelLine, TrainedModel
from conftest import upload


@pytest.fixture
def served(trained_model):
    """A model that answers, as far as its row says."""
    TrainedModel.objects.update(is_deployed=True, serving_file="models/x/openvino-64.tar")
    trained_model.refresh_from_db()
    return trained_model


def about(page_as, user, **query):
    return page_as(user).get("/test/about", query)


def chosen(response):
    return response.context["config"]["chosen"]


def test_the_page_offers_what_one_may_ask(page_as, served, alice, bob, carol):
    Deployment.objects.create(owner=alice, name="Line 3", model=served)
    mine = page_as(alice).get("/test")
    assert b"Cells v1 v1" in mine.content
    assert chosen(mine) == "deployment:Line 3"
    for other in (bob, carol):
        assert b"No model to test" in page_as(other).get("/test").content
    Deployment.objects.update(is_public=True)
    assert chosen(page_as(carol).get("/test")) == "deployment:Line 3"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("model={m}", "model:{m}"),
        ("deployment=Line+3", "deployment:Line 3"),
        ("deployment=gone", "deployment:Line 3"),
        ("model=999", "deployment:Line 3"),
        ("model=²", "deployment:Line 3"),
        ("model=99999999999999999999", "deployment:Line 3"),
    ],
)
def test_the_address_chooses(page_as, served, alice, query, found):
    Deployment.objects.create(owner=alice, name="Line 3", model=served)
    assert chosen(page_as(alice).get(f"/test?{query.format(m=served.pk)}")) == found.format(m=served.pk)


def test_a_paused_deployment_and_an_empty_one_are_not_offered(page_as, served, alice):
    Deployment.objects.create(owner=alice, name="Paused", model=served, is_active=False)
    Deployment.objects.create(owner=alice, name="Empty")
    assert chosen(page_as(alice).get("/test")) == f"model:{served.pk}"
    paused = about(page_as, alice, deployment="Paused")
    assert paused.status_code == 409
    assert "is paused" in paused.json()["detail"]


def test_of_two_deployments_of_one_name_the_own_is_offered(page_as, served, alice, bob):
    Deployment.objects.create(owner=alice, name="Same", model=served)
    Deployment.objects.create(owner=bob, name="Same", model=served, is_public=True)
    page = page_as(alice).get("/test")
    assert [one.owner for one in page.context["deployments"]] == [alice]


def test_a_model_says_its_classes_thresholds_and_samples(page_as, served, alice, ready_dataset):
    TrainedModel.objects.update(operating_point={"confidence": 0.4, "per_class": {"1": 0.6}})
    body = about(page_as, alice, model=served.pk).json()
    assert body["class_names"] == ["red", "white"]
    assert body["thresholds"] == {"conf": 0.4, "per_class": {"1": 0.6}, "iou": 0.7}
    assert body["dataset_id"] == ready_dataset.pk
    assert len(body["samples"]) == 2  # of the validation split: it did not learn from them
    assert page_as(alice).get(body["samples"][0]["url"]).status_code == 200


def test_a_deployment_starts_at_its_own_defaults(page_as, served, alice):
    TrainedModel.objects.update(operating_point={"confidence": 0.4, "per_class": {"1": 0.6}})
    row = Deployment.objects.create(owner=alice, name="Line 3", model=served, defaults={"conf": 0.5, "iou": 0.6})
    body = about(page_as, alice, deployment="Line 3").json()
    assert (body["key"], body["answers"]) == ("deployment:Line 3", served.title)
    assert body["thresholds"] == {"conf": 0.5, "per_class": {}, "iou": 0.6}
    row.defaults = {}
    row.save()
    assert about(page_as, alice, deployment="Line 3").json()["thresholds"]["per_class"] == {"1": 0.6}


def test_who_may_ask_a_deployment_but_not_see_its_data_gets_no_samples(page_as, served, alice, carol):
    Deployment.objects.create(owner=alice, name="Line 3", model=served, is_public=True)
    body = about(page_as, carol, deployment="Line 3").json()
    assert (body["samples"], body["dataset_id"]) == ([], None)
    Dataset.objects.update(is_public=True)
    assert len(about(page_as, carol, deployment="Line 3").json()["samples"]) == 2


def test_what_one_may_not_ask_is_not_there(page_as, served, alice, carol):
    Deployment.objects.create(owner=alice, name="Line 3", model=served)
    assert about(page_as, carol, model=served.pk).status_code == 404
    assert about(page_as, carol, deployment="Line 3").status_code == 404
    for nothing in ({}, {"model": "x"}, {"model": "0"}, {"deployment": ""}):
        assert about(page_as, alice, **nothing).status_code == 404
    assert page_as(None).get("/test/about", {"model": served.pk}).status_code == 302


def test_the_page_asks_as_often_for_many_models_as_for_one(page_as, served, alice, django_assert_num_queries):
    browser = page_as(alice)
    Deployment.objects.create(owner=alice, name="Line 3", model=served)
    browser.get("/test")
    with django_assert_num_queries(4):
        browser.get("/test")
    line = ModelLine.objects.create(owner=alice, name="Many")
    models = TrainedModel.objects.bulk_create(
        TrainedModel(owner=alice, line=line, number=n, sha256="x", is_deployed=True, serving_file="x.tar")
        for n in range(30)
    )
    Deployment.objects.bulk_create(Deployment(owner=alice, name=f"D{model.pk}", model=model) for model in models)
    with django_assert_num_queries(4):
        browser.get("/test")


def test_what_a_person_tries_in_the_browser_is_no_traffic(page_as, client, deployed, alice, monkeypatch):
    told = []
    monkeypatch.setattr(after, "LISTENERS", [told.extend])
    _, key = create_token(alice, "line", "infer")
    question = {"model_id": deployed.pk}
    tried = page_as(alice).post("/api/v1/predictions/infer", question | {"image": upload("a.jpg", seed=5)})
    asked = client.post(
        "/api/v1/predictions/infer", question | {"image": upload("a.jpg", seed=6)},
        headers={"Authorization": f"Token {key}"},
    )  # fmt: skip
    after.settle()
    assert (tried.status_code, asked.status_code) == (200, 200)
    assert [one.token_id for one in told] == [alice.api_tokens.get().pk]


def test_names_are_data_and_no_markup(page_as, served, alice):
    Deployment.objects.create(owner=alice, name='</script><b a="', model=served)
    page = page_as(alice).get("/test").content.decode()
    assert '</script><b a="' not in page
    config = page.split('id="testing-config" type="application/json">')[1].split("</script>")[0]
    assert json.loads(config)["chosen"] == 'deployment:</script><b a="'
