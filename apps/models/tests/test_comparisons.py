"""Models side by side on the same images."""

import pytest

from apps.annotations.services.labels import save_labels
from apps.annotations.services.versions import create_version
from apps.datasets import services as datasets
from apps.models import services
from apps.models.models import Evaluation, TrainedModel
from conftest import box


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **kw: None)


@pytest.fixture
def second(trained_model, ready_dataset, alice):
    """A model of alice's that learned from version 2."""
    image = ready_dataset.images.filter(split="train").first()
    image.dataset = ready_dataset
    save_labels(image, image.revision, [box(1, x=0.3)], alice)
    version, is_new = create_version(ready_dataset, alice)
    assert is_new
    return TrainedModel.objects.create(
        owner=alice, line=trained_model.line, number=2, model_type="yolo11n", class_names=["red", "white"],
        sha256="2" * 64, num_classes=2, dataset_version=version, metrics={"overall": {"mAP50": 0.1}},
    )  # fmt: skip


def measured(evaluation, model, **figures):
    overall = evaluation.results["overall"] | figures
    rows = [row | {"mAP50_95": overall["mAP50_95"]} for row in evaluation.results["per_class"]]
    return Evaluation.objects.create(
        model=model, dataset_version=evaluation.dataset_version, split=evaluation.split, weights_sha256=model.sha256,
        results=evaluation.results | {"overall": overall, "per_class": rows, "learned_from": 2},
        curves=evaluation.curves, evaluated_at=evaluation.evaluated_at,
    )  # fmt: skip


def url(*models, more=""):
    return f"/models/compare?ids={','.join(str(model.pk) for model in models)}{more}"


def test_figures_are_of_the_same_images_with_differences_from_the_first(page_as, alice, evaluation, second):
    measured(evaluation, second, mAP50=0.75, mAP50_95=0.45)
    page = page_as(alice).get(url(evaluation.model, second, more=f"&version={evaluation.dataset_version_id}"))
    words = page.content.decode()
    assert '0.750 <span class="delta plus">+0.250</span>' in words
    assert '0.450 <span class="delta plus">+0.150</span>' in words
    assert "“Cells v1 v2” learned from Cells v2 and was evaluated again on this version" in words
    assert "learned from 2 of these images" in words
    assert "Not measured on this yet" not in words


def test_what_was_not_measured_on_the_same_split_is_said_and_measured_at_a_click(page_as, alice, evaluation, second):
    browser, more = page_as(alice), f"&version={evaluation.dataset_version_id}"
    assert "Not measured on this yet" in browser.get(url(evaluation.model, second, more=more)).content.decode()
    asked = {"ids": f"{evaluation.model_id},{second.pk}", "version": evaluation.dataset_version_id, "split": "val"}
    answer = browser.post("/models/compare/measure", asked)
    assert answer.url == url(evaluation.model, second, more=f"{more}&split=val")
    row = Evaluation.objects.get(model=second)
    assert (row.dataset_version, row.split, row.job.status) == (evaluation.dataset_version, "val", "pending")
    evaluation.refresh_from_db()
    assert evaluation.job is None
    assert "is being evaluated" in browser.get(answer.url).content.decode()


def test_figures_of_weights_that_the_model_no_longer_has_do_not_count(page_as, alice, evaluation, second):
    measured(evaluation, second)
    TrainedModel.objects.filter(pk=second.pk).update(sha256="3" * 64)
    page = page_as(alice).get(url(evaluation.model, second, more=f"&version={evaluation.dataset_version_id}"))
    assert "Not measured on this yet with the weights of now: “Cells v1 v2”" in page.content.decode()


@pytest.mark.parametrize("ids", ["", "1", "x,y", "1,1", "1,999", f"1,{2**70}", "-1,2"])
def test_fewer_than_two_models_are_no_comparison(page_as, alice, evaluation, ids):
    answer = page_as(alice).get(f"/models/compare?ids={ids.replace('1', str(evaluation.model_id))}", follow=True)
    assert "Choose 2 to 6 models to compare." in answer.content.decode()


def test_outsiders_compare_nothing_and_readers_start_nothing(page_as, bob, carol, evaluation, second):
    assert "Choose 2 to 6" in page_as(carol).get(url(evaluation.model, second), follow=True).content.decode()
    for model in (evaluation.model, second):
        services.update_model(model, is_public=True)
    assert "You can see none" in page_as(bob).get(url(evaluation.model, second), follow=True).content.decode()
    datasets.update_dataset(evaluation.dataset_version.dataset, is_public=True)
    more = f"&version={evaluation.dataset_version_id}"
    page = page_as(bob).get(url(evaluation.model, second, more=more)).content.decode()
    assert "only the owner can evaluate" in page
    assert "Evaluate now" not in page
    page_as(bob).post("/models/compare/measure", {"ids": f"{evaluation.model_id},{second.pk}"})
    assert Evaluation.objects.count() == 1
