"""A deployment's monitoring: its figures, its drift against a real evaluation's file, and who may see it."""

import gzip
import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.inference.models import Deployment
from apps.inference.monitoring import counting
from apps.inference.tasks import roll_up_traffic
from apps.models.models import Evaluation
from conftest import upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_quotas")]


def api_of(deployment, span="hour"):
    return f"/api/v1/deployments/{deployment.pk}/monitoring?range={span}"


@pytest.fixture
def report(api_as, alice, deployment):
    return lambda span="hour": api_as(alice).get(api_of(deployment, span)).json()


@pytest.fixture
def evaluation(trained_model, clock):
    """`evaluation(found, images)`: the model was measured on so many images; it found the same on each."""

    def measured(found, images):
        line = {"found": [[class_id, confidence, 0, 0, 9, 9, -1, 0, -1, 0] for class_id, confidence in found]}
        data = gzip.compress("".join(json.dumps(line) + "\n" for _ in range(images)).encode())
        return Evaluation.objects.create(
            model=trained_model, dataset_version=trained_model.dataset_version, split="val",
            weights_sha256=trained_model.sha256, evaluated_at=timezone.now(), results={"overall": {}},
            images=default_storage.save("evaluations/test.jsonl.gz", ContentFile(data)),
        )  # fmt: skip

    return measured


def test_what_was_asked_over_http_is_in_the_report(answers, api_as, alice, deployment, report):
    for name in ("cells", "cells"):
        data = {"image": upload(), "model": name}
        assert api_as(alice).post("/api/v1/predictions/infer", data, format="multipart").status_code == 200
    counting.flush()
    body = report()
    assert (body["totals"]["requests"], body["totals"]["objects"], body["totals"]["objects_per_image"]) == (2, 4, 2.0)
    assert [(one["class_name"], one["count"]) for one in body["classes"]] == [("red", 2), ("white", 2)]
    assert body["models"][0]["name"] == "Cells v1 v1"
    assert body["totals"]["latency_ms"]["p50"] > 0


def test_totals_and_series_are_those_of_the_questions(asked, counted, deployment, clock, report):
    counted([asked(deployment=deployment, seconds=0.010)] * 98 + [asked(deployment=deployment, seconds=0.5)] * 2)
    clock.forward(minutes=5)
    counted([asked(deployment=deployment, status=503), asked(((1, 0.31),), deployment=deployment)])
    totals, series = report()["totals"], report()["series"]
    assert (totals["requests"], totals["answered"], totals["errors"]) == (102, 101, 1)
    assert totals["error_share"] == pytest.approx(1 / 102, abs=1e-5)
    assert totals["statuses"] == {"200": 101, "503": 1}
    assert totals["latency_ms"]["p50"] == pytest.approx(10, rel=0.02)
    assert totals["latency_ms"]["p99"] == pytest.approx(500, rel=0.02)
    assert (len(series["at"]), series["requests"][-6:]) == (60, [100, 0, 0, 0, 0, 2])
    assert series["statuses"]["503"][-6:] == [0, 0, 0, 0, 0, 1]
    assert series["latency_ms"]["p50"][-2] is None
    confidence = report()["confidence"]
    assert (confidence["total"][18], confidence["series"][-1][6], len(confidence["bounds"])) == (100, 1, 21)


@pytest.mark.parametrize(
    ("span", "back"),
    [("hour", {"minutes": 59}), ("day", {"hours": 23}), ("week", {"days": 6}), ("month", {"days": 29})],
)
def test_each_range_reaches_as_far_as_it_says_also_over_what_was_rolled_up(
    asked, counted, deployment, clock, report, span, back
):
    counted([asked(deployment=deployment)])
    clock.forward(**back)
    roll_up_traffic()
    counted([asked(deployment=deployment)])
    body = report(span)
    assert body["totals"]["requests"] == sum(body["series"]["requests"]) == 2
    assert body["series"]["requests"][-1] == 1
    clock.forward(**back)
    roll_up_traffic()
    assert report(span)["totals"]["requests"] == 1


def test_direct_questions_count_for_the_model_and_those_by_name_for_both(
    asked, counted, deployment, trained_model, api_as, alice, clock, report
):
    counted([asked(deployment=deployment), asked(), asked()])
    assert report()["totals"]["requests"] == 1
    model = api_as(alice).get(f"/api/v1/models/{trained_model.pk}/monitoring?range=hour").json()
    assert model["totals"]["requests"] == 3
    assert model["asked_by"] == [
        {"deployment_id": None, "name": "", "requests": 2},
        {"deployment_id": deployment.pk, "name": "cells", "requests": 1},
    ]
    clock.forward(hours=2)
    assert api_as(alice).get(f"/api/v1/models/{trained_model.pk}/monitoring?range=hour").json()["asked_by"] == []


def test_answers_like_those_on_validation_have_not_drifted(asked, counted, deployment, clock, report, evaluation):
    evaluation([(0, 0.9), (0, 0.62), (1, 0.8), (1, 0.1)], images=200)
    counted([asked(((0, 0.9), (0, 0.62), (1, 0.8)), deployment=deployment)] * 200)
    drift = report()["drift"]
    assert [one["verdict"] for one in drift["measures"]] == ["same", "same", "same"]
    assert (drift["images"], drift["validation_images"], drift["left_out"]) == (200, 200, 0)
    assert [round(one["psi"], 3) for one in drift["measures"]] == [0, 0, 0]


def test_other_images_have_drifted_and_it_says_what_moved(asked, counted, deployment, clock, report, evaluation):
    evaluation([(0, 0.9), (0, 0.9), (0, 0.9), (1, 0.8)], images=200)
    counted([asked(((1, 0.35), (1, 0.35)), deployment=deployment)] * 200)
    measures = {one["kind"]: one for one in report()["drift"]["measures"]}
    assert {one["verdict"] for one in measures.values()} == {"much"}
    assert measures["classes"]["most_moved"] == "red: 75% then, 0% now"
    assert measures["classes"]["words"] == "very different from validation"
    assert measures["objects"]["cells"] == ["2", "4"]


def test_of_few_images_it_says_that_they_are_too_few(asked, counted, deployment, clock, report, evaluation):
    evaluation([(0, 0.9)] * 40, images=200)
    counted([asked([(1, 0.3)] * 40, deployment=deployment)] * 29)
    assert {one["words"] for one in report()["drift"]["measures"]} == {"too few to say"}


def test_questions_with_other_thresholds_are_left_out_and_said(asked, counted, deployment, clock, report, evaluation):
    evaluation([(0, 0.9), (1, 0.3)], images=200)
    counted([asked(((0, 0.9), (1, 0.3)), deployment=deployment)] * 100 + [asked(conf=0.8, deployment=deployment)] * 50)
    drift = report()["drift"]
    assert (drift["images"], drift["left_out"]) == (100, 50)
    assert drift["measures"][0]["verdict"] == "same"


def test_drift_is_judged_at_the_deployments_own_thresholds(asked, counted, deployment, clock, report, evaluation):
    """What lies below its default of 0.5 is not there on either side."""
    Deployment.objects.filter(pk=deployment.pk).update(defaults={"conf": 0.5})
    evaluation([(0, 0.9), (1, 0.3)], images=200)
    counted([asked(((0, 0.9),), deployment=deployment, conf=0.5)] * 100)
    drift = report()["drift"]
    assert [one["verdict"] for one in drift["measures"]] == ["same", "same", "same"]


def test_without_an_evaluation_it_says_what_to_do(asked, counted, deployment, clock, report):
    counted([asked(deployment=deployment)])
    assert "Evaluate it there" in report()["drift"]["reason"]


def test_an_evaluations_file_that_is_gone_is_said(asked, counted, deployment, clock, report, evaluation):
    default_storage.delete(evaluation([(0, 0.9)], images=50).images.name)
    assert "evaluate the model again" in report()["drift"]["reason"]


def test_an_evaluation_of_other_weights_is_no_reference(asked, counted, deployment, clock, report, evaluation):
    evaluation([(0, 0.9)], images=50)
    Evaluation.objects.update(weights_sha256="0" * 64)
    assert report()["drift"]["reason"]


def test_a_deployment_without_a_model_reports_what_was_asked(asked, counted, deployment, trained_model, clock, report):
    counted([asked(deployment=deployment)])
    trained_model.delete()
    body = report()
    assert (body["totals"]["requests"], body["drift"], body["models"][0]["name"]) == (1, None, "a deleted model")
    assert body["classes"][0]["class_name"] == "class 0"


def test_nothing_asked_is_an_answer_too(deployment, clock, report):
    body = report("month")
    assert (body["totals"]["requests"], body["totals"]["error_share"], body["classes"]) == (0, None, [])
    assert body["totals"]["latency_ms"]["p50"] is None


@pytest.mark.parametrize("span", ["year", "hour,day"])
def test_an_unknown_range_is_refused_with_those_that_are_known(api_as, alice, deployment, span):
    answer = api_as(alice).get(api_of(deployment, span))
    assert answer.status_code == 400
    assert "hour, day, week, month" in answer.json()["range"][0]


def test_monitoring_is_the_owners(deployment, trained_model, api_as, page_as, alice, bob, carol, operator):
    """Outsiders do not learn that there is one; readers of a public one may ask it, and not see who else does."""
    doors = (
        (api_as, api_of(deployment)), (page_as, f"/deployments/{deployment.pk}/monitoring"),
        (api_as, f"/api/v1/models/{trained_model.pk}/monitoring"), (page_as, f"/models/{trained_model.pk}/monitoring"),
    )  # fmt: skip
    for client, url in doors:
        assert client(carol).get(url).status_code == 404
        assert client(alice).get(url).status_code == 200
        assert client(operator).get(url).status_code == 200
    Deployment.objects.update(is_public=True)
    type(trained_model).objects.update(is_public=True)
    for client, url in doors:
        assert client(bob).get(url).status_code == 403
    assert api_as().get(api_of(deployment)).status_code == 401


def test_the_fragment_has_a_call_to_paste_and_its_own_page_a_frame(deployment, page_as, alice):
    url = f"/deployments/{deployment.pk}/monitoring"
    fragment = page_as(alice).get(url, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "model=cells" in fragment
    assert "<html" in page_as(alice).get(url).content.decode()


def test_a_models_page_has_its_own_charts_and_its_page_leads_there(deployment, trained_model, page_as, alice, bob):
    type(trained_model).objects.update(serving_file="models/none.tar", is_deployed=True, is_public=True)
    address = f"/models/{trained_model.pk}/monitoring"
    page = page_as(alice).get(address).content.decode()
    assert f'data-source="/api/v1{address}"' in page
    assert f"model_id={trained_model.pk}" in page  # the call to paste
    panel = f"/models/{trained_model.pk}/deployment"
    assert address in page_as(alice).get(panel).content.decode()
    assert address not in page_as(bob).get(panel).content.decode()


def test_queries_do_not_grow_with_the_traffic(
    asked, counted, deployment, clock, api_as, alice, django_assert_max_num_queries
):
    for _ in range(40):
        counted([asked(deployment=deployment)])
        clock.forward(minutes=1)
    api = api_as(alice)
    with django_assert_max_num_queries(6):
        api.get(api_of(deployment))


def test_the_operator_reads_the_tables_and_changes_nothing(asked, counted, deployment, robot, page_as, operator):
    counted([asked(deployment=deployment, token=robot()[0])])
    browser = page_as(operator)
    for table in ("traffic", "tokenusage"):
        assert "1 " in browser.get(f"/admin/inference/{table}/").content.decode()
        assert browser.get(f"/admin/inference/{table}/add/").status_code == 403
