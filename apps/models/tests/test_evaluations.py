"""Starting evaluations, reading them, and what follows a training."""

import re

import pytest
from django.utils import timezone

from apps.annotations.services.versions import create_version
from apps.core.models import Job
from apps.datasets import services as datasets
from apps.models import services
from apps.models.models import Evaluation, TrainedModel
from apps.models.services.evaluations import class_mapping
from apps.models.services.trained_models import register_model

from .tiny_weights import tiny_weights


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, args=(), **kw: found.append((name, *args)))
    return found


def urls(model, evaluation=None):
    base = f"/api/v1/models/{model.pk}/evaluations"
    return f"{base}/{evaluation.pk}" if evaluation else base


def test_evaluation_is_started_and_answered_202(api_as, alice, trained_model):
    answer = api_as(alice).post(urls(trained_model), {}, format="json")
    body = answer.json()
    assert (answer.status_code, body["kind"], body["status"]) == (202, "evaluation", "pending")
    row = Evaluation.objects.get()
    assert (row.pk, row.split, row.dataset_version) == (body["evaluation_id"], "val", trained_model.dataset_version)
    assert api_as(alice).post(urls(trained_model), {}, format="json").json()["id"] == body["id"]
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"split": "test"}, "split"),
        ({"split": "all"}, "split"),
        ({"dataset_id": 1}, "detail"),
        ({"dataset_id": "x", "version": 1}, "dataset_id"),
        ({"dataset_id": 2**70, "version": 1}, "dataset_id"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_words(api_as, alice, trained_model, asked, field):
    answer = api_as(alice).post(urls(trained_model), asked, format="json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not Job.objects.exists()


def test_a_model_for_another_task_is_refused_before_a_job_is_made(api_as, alice, trained_model):
    TrainedModel.objects.filter(pk=trained_model.pk).update(task="pose")
    answer = api_as(alice).post(urls(trained_model), {}, format="json")
    assert "Models that detect or segment can be evaluated" in answer.json()["detail"][0]
    assert not Job.objects.exists()


@pytest.mark.parametrize("more", [{"task": "segment"}, {"format": "onnx"}])
def test_models_that_segment_and_onnx_files_are_evaluated_too(api_as, page_as, alice, trained_model, more):
    TrainedModel.objects.filter(pk=trained_model.pk).update(**more)
    page = page_as(alice).get(f"/models/{trained_model.pk}/").content.decode()
    assert f"/models/{trained_model.pk}/evaluate" in page
    assert api_as(alice).post(urls(trained_model), {}, format="json").status_code == 202


def test_a_version_without_any_class_of_the_model_is_refused(alice, trained_model, images):
    other = datasets.create_dataset(alice, "Other", class_names=["horse"])
    images[0].dataset = other
    version, _ = create_version(other, alice)
    version.labeled_counts = {"val": 3}
    with pytest.raises(services.EvaluationRefused, match="none of the model's classes"):
        services.start_evaluation(trained_model, version, "val", alice)


def test_only_the_models_owner_starts_one_and_outsiders_see_none(api_as, page_as, bob, carol, alice, trained_model):
    assert api_as(carol).post(urls(trained_model), {}, format="json").status_code == 404
    assert page_as(carol).post(f"/models/{trained_model.pk}/evaluate", {}).status_code == 404
    services.update_model(trained_model, is_public=True)
    assert api_as(bob).post(urls(trained_model), {}, format="json").status_code == 403
    assert page_as(bob).post(f"/models/{trained_model.pk}/evaluate", {}).status_code == 403
    assert not Evaluation.objects.exists()


def test_a_dataset_that_one_may_not_see_cannot_be_measured_on(api_as, page_as, alice, bob, trained_model):
    secret = datasets.create_dataset(bob, "Secret", class_names=["red"])
    version, _ = create_version(secret, bob)
    asked = {"dataset_id": secret.pk, "version": version.number}
    assert api_as(alice).post(urls(trained_model), asked, format="json").status_code == 404
    page_as(alice).post(f"/models/{trained_model.pk}/evaluate", {"version": version.pk, "split": "val"})
    assert not Evaluation.objects.exists()


def test_evaluations_are_seen_by_who_sees_the_model_and_the_dataset(
    api_as, bob, carol, alice, evaluation, trained_model
):
    assert [row["id"] for row in api_as(alice).get(urls(trained_model)).json()] == [evaluation.pk]
    assert api_as(carol).get(urls(trained_model)).status_code == 404
    services.update_model(trained_model, is_public=True)
    assert api_as(bob).get(urls(trained_model)).json() == []
    assert api_as(bob).get(urls(trained_model, evaluation)).status_code == 404
    datasets.update_dataset(evaluation.dataset_version.dataset, is_public=True)
    body = api_as(bob).get(urls(trained_model, evaluation)).json()
    assert body["results"]["overall"]["mAP50"] == 0.5
    assert len(body["curves"]["f1"]["x"]) == 101


def test_metrics_name_the_evaluations_and_the_operating_point(api_as, alice, evaluation, trained_model):
    body = api_as(alice).get(f"/api/v1/models/{trained_model.pk}/metrics").json()
    assert body["overall"]["mAP50"] == 0.9
    assert body["operating_point"] == {}
    assert [(row["id"], row["split"], row["weights_changed"]) for row in body["evaluations"]] == [
        (evaluation.pk, "val", False)
    ]


def test_report_page_shows_the_evaluation_and_counts_its_queries(
    page_as, alice, evaluation, trained_model, django_assert_max_num_queries
):
    browser = page_as(alice)
    with django_assert_max_num_queries(13):
        page = browser.get(f"/models/{trained_model.pk}/").content.decode()
    assert "0.500" in page
    assert f'data-evaluation="{evaluation.pk}"' in page
    assert "What it got wrong" in page


def test_the_page_is_loaded_anew_only_for_a_result_that_it_does_not_show_yet(page_as, alice, evaluation, trained_model):
    """Or it would take a threshold out of the hand that is choosing it."""
    browser, url = page_as(alice), f"/models/{trained_model.pk}/"
    fragment = {"headers": {"HX-Request": "true"}}
    other = Evaluation.objects.create(
        model=trained_model, dataset_version=trained_model.dataset_version, split="test",
        job=Job.objects.create(owner=alice, kind="evaluation", task="x", status="running"),
    )  # fmt: skip
    asks = re.search(r'id="evaluations" hx-get="([^"]+)"', browser.get(url).content.decode()).group(1)
    poll = url + asks.replace("&amp;", "&")
    assert "HX-Refresh" not in browser.get(poll, **fragment)
    Job.objects.update(status="completed")
    Evaluation.objects.filter(pk=other.pk).update(evaluated_at=timezone.now())
    assert "HX-Refresh" not in browser.get(poll, **fragment)  # the other split's: a link leads there
    Evaluation.objects.filter(pk=evaluation.pk).update(evaluated_at=timezone.now())
    assert browser.get(poll, **fragment)["HX-Refresh"] == "true"
    assert browser.get(f"{url}?evaluation={other.pk}&shown=", **fragment)["HX-Refresh"] == "true"


def test_who_sees_the_model_but_not_the_dataset_gets_the_trainings_figures(page_as, bob, evaluation, trained_model):
    services.update_model(trained_model, is_public=True)
    page = page_as(bob).get(f"/models/{trained_model.pk}/?evaluation={evaluation.pk}").content.decode()
    assert "0.900" in page
    assert "What it got wrong" not in page


def test_what_was_measured_with_the_same_weights_stays_until_asked_again(alice, evaluation, trained_model):
    version = trained_model.dataset_version
    assert services.start_evaluation(trained_model, version, "val", alice).job is None
    assert services.start_evaluation(trained_model, version, "val", alice, again=True).job is not None


def test_classes_follow_their_numbers_in_the_own_dataset_and_their_names_elsewhere(alice, trained_model):
    own = trained_model.dataset_version
    own.class_names, own.class_keys = ["white", "red", "new"], [1, 0, 2]
    trained_model.dataset_version.refresh_from_db()
    version = type(own)(dataset_id=own.dataset_id, class_names=["pale", "red", "new"], class_keys=[1, 0, 2])
    assert class_mapping(trained_model, version) == ({0: 1, 1: 0}, ["new"])
    version = type(own)(dataset_id=own.dataset_id + 1, class_names=["RED", "horse"], class_keys=[0, 1])
    assert class_mapping(trained_model, version) == ({0: 0}, ["horse"])


def test_deleting_a_model_takes_its_evaluations_files_along(
    evaluation, trained_model, django_capture_on_commit_callbacks
):
    storage, name = evaluation.images.storage, evaluation.images.name
    assert storage.exists(name)
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_model(trained_model)
    assert not storage.exists(name)


@pytest.mark.django_db(transaction=True)
def test_evaluation_runs_through_the_real_engine_and_can_run_twice(ready_dataset, alice, sent):
    version, _ = create_version(ready_dataset, alice)
    model = register_model(
        owner=alice, name="Discs", model_type="yolov8n", weights=tiny_weights() / "yolov8n.pt", img_size=64,
        class_names=["red", "white", "other"], dataset_version=version,
    )  # fmt: skip
    (row,) = services.evaluate_on_own_splits(model)
    assert sent == [("apps.models.tasks.evaluate", row.job_id)]
    from apps.models.tasks import evaluate

    for _ in range(2):
        Job.objects.filter(pk=row.job_id).update(status="pending")
        evaluate(row.job_id)
        row.refresh_from_db()
        assert row.job.status == "completed", row.job.error_message + row.job.traceback
    assert row.results["images"] == 2
    assert row.results["learned_from"] == 0
    assert row.weights_sha256 == model.sha256
    assert row.images.storage.exists(row.images.name)
    assert sum(size["labels"] for name, size in row.results["by_size"].items() if name != "all") == 2


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_fails_in_words_and_leaves_the_results_of_before(evaluation, alice, monkeypatch):
    from apps.models.services import evaluations
    from apps.models.tasks import evaluate

    monkeypatch.setattr(evaluations, "ENGINE", "apps.models.engine.gone")
    row = services.start_evaluation(evaluation.model, evaluation.dataset_version, "val", alice, again=True)
    evaluate(row.job_id)
    row.refresh_from_db()
    assert row.job.status == "failed"
    assert "The evaluation process ended with code 1." in row.job.error_message
    assert row.results == evaluation.results
    assert row.images.storage.exists(row.images.name)


def test_a_cancelled_evaluation_can_be_started_again(evaluation, alice):
    from apps.core import work

    asked = evaluation.model, evaluation.dataset_version, "val", alice
    first = services.start_evaluation(*asked, again=True)
    assert work.cancel(first.job)
    assert services.start_evaluation(*asked, again=True).job_id != first.job_id
