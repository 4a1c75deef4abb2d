"""The images that a model got wrong: what counts as what, the order, the filters, and labels noted as right."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.datasets import services as datasets
from apps.models import services
from apps.models.mistakes import chosen, judge, weight
from apps.models.models import ConfirmedLabels


def found(api, evaluation, query=""):
    return api.get(f"/api/v1/models/{evaluation.model_id}/evaluations/{evaluation.pk}/images{query}")


def page_url(evaluation, more=""):
    return f"/models/{evaluation.model_id}/evaluations/{evaluation.pk}/errors{more}"


def test_each_prediction_and_label_is_judged_once():
    line = {
        "labels": [[0, 0, 0, 9, 9], [1, 20, 20, 30, 30], [0, 40, 40, 50, 50]],
        "found": [
            [0, 0.9, 0, 0, 9, 9, 0, 0.95, -1, 0], [0, 0.8, 20, 20, 30, 30, -1, 0, 1, 0.9],
            [0, 0.5, 0, 0, 9, 9, -1, 0, -1, 0], [0, 0.4, 40, 40, 50, 46, 2, 0.6, -1, 0],
        ],
    }  # fmt: skip
    mistakes, right = judge(line, 0.25)
    assert [one["kind"] for one in mistakes] == ["class", "false", "loose"]
    assert right == [[0, 0, 9, 9]]
    assert sum(map(weight, mistakes)) == pytest.approx(1 + 0.5 + 0.4)
    assert [one["kind"] for one in judge(line, 0.45)[0]] == ["class", "false", "miss"]
    assert [one["kind"] for one in chosen(mistakes, class_id=1)] == ["class"]
    assert [one["kind"] for one in judge(line, 0.95)[0]] == ["miss"] * 3


def test_images_come_the_most_wrong_first_with_their_mistakes(api_as, alice, evaluation):
    body = found(api_as(alice), evaluation).json()
    assert (body["count"], [row["score"] for row in body["results"]]) == (2, [2.6, 0.3])
    worst = body["results"][0]
    assert [one["kind"] for one in worst["mistakes"]] == ["class", "false", "miss"]
    assert worst["image_id"] == evaluation.dataset_version.dataset.images.get(filename=worst["filename"]).pk


@pytest.mark.parametrize(
    ("query", "scores"),
    [
        ("?kind=loose", [0.3]), ("?kind=miss", [1]), ("?class_id=0", [2]), ("?conf=0.85", [2, 1]),
        ("?predicted=1&true=1", [0.3]), ("?predicted=0&true=0", []), ("?kind=miss&class_id=1", []),
    ],
)  # fmt: skip
def test_filters_leave_only_what_is_wanted(api_as, alice, evaluation, query, scores):
    assert [row["score"] for row in found(api_as(alice), evaluation, query).json()["results"]] == scores


@pytest.mark.parametrize("query", ["?kind=odd", "?conf=x", "?conf=7", "?class_id=-1", "?predicted=nan&true=1"])
def test_filters_that_make_no_sense_are_refused_by_the_api_and_ignored_by_the_page(
    api_as, page_as, alice, evaluation, query
):
    assert found(api_as(alice), evaluation, query).status_code == 400
    assert page_as(alice).get(page_url(evaluation, query)).status_code == 200


def test_page_draws_the_boxes_and_links_to_the_workspace(page_as, alice, evaluation):
    page = page_as(alice).get(page_url(evaluation)).content.decode()
    image = evaluation.dataset_version.dataset.images.filter(split="val").order_by("pk").first()
    assert f"/datasets/{image.dataset_id}/label?image={image.pk}" in page
    assert 'class="mark-label mark-label-miss" x="1.0" y="1.0" width="19.0" height="19.0"' in page
    assert "This label is right" in page
    cell = page_as(alice).get(page_url(evaluation, "?predicted=0&true=1")).content.decode()
    assert "“white” that the model called “red”" in cell


def test_page_asks_as_often_for_two_images_as_for_one(page_as, alice, evaluation):
    browser = page_as(alice)
    browser.get(page_url(evaluation))
    counts = []
    for query in ("?kind=loose", ""):
        with CaptureQueriesContext(connection) as asked:
            browser.get(page_url(evaluation, query))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_labels_noted_as_right_leave_the_list_until_they_change(page_as, api_as, alice, evaluation):
    image = evaluation.dataset_version.dataset.images.filter(split="val").order_by("pk").first()
    url = f"/models/{evaluation.model_id}/evaluations/{evaluation.pk}/images/{image.pk}/confirm"
    answer = page_as(alice).post(url, {"revision": image.revision, "next": page_url(evaluation, "?kind=miss")})
    assert (answer.status_code, answer.url) == (302, page_url(evaluation, "?kind=miss"))
    assert ConfirmedLabels.objects.get().confirmed_by == alice
    assert [row["score"] for row in found(api_as(alice), evaluation).json()["results"]] == [0.3]
    assert len(found(api_as(alice), evaluation, "?confirmed=true").json()["results"]) == 2
    page_as(alice).post(url, {"revision": image.revision, "undo": "1", "next": "https://elsewhere.example/"})
    assert len(found(api_as(alice), evaluation).json()["results"]) == 2
    api = api_as(alice)
    door = f"/api/v1/models/{evaluation.model_id}/evaluations/{evaluation.pk}/images/{image.pk}/confirmation"
    assert api.put(door, {"revision": image.revision}, format="json").status_code == 204
    assert api.put(door, {"revision": "x"}, format="json").status_code == 400
    assert len(found(api, evaluation).json()["results"]) == 1
    assert api.delete(door, {"revision": image.revision}, format="json").status_code == 204
    assert len(found(api, evaluation).json()["results"]) == 2


def test_readers_look_but_do_not_judge_and_outsiders_see_nothing(page_as, api_as, bob, carol, evaluation):
    dataset = evaluation.dataset_version.dataset
    image = dataset.images.first()
    url = f"/models/{evaluation.model_id}/evaluations/{evaluation.pk}/images/{image.pk}/confirm"
    assert page_as(carol).get(page_url(evaluation)).status_code == 404
    assert page_as(carol).post(url, {"revision": 1}).status_code == 404
    services.update_model(evaluation.model, is_public=True)
    assert page_as(bob).get(page_url(evaluation)).status_code == 404
    assert found(api_as(bob), evaluation).status_code == 404
    datasets.update_dataset(dataset, is_public=True)
    page = page_as(bob).get(page_url(evaluation)).content.decode()
    assert "Open" in page
    assert "This label is right" not in page
    assert page_as(bob).post(url, {"revision": 1}).status_code == 403
    assert not ConfirmedLabels.objects.exists()


def test_a_file_that_is_gone_is_said_in_words(page_as, api_as, alice, evaluation):
    evaluation.images.storage.delete(evaluation.images.name)
    answer = found(api_as(alice), evaluation)
    assert (answer.status_code, answer.json()["detail"]) == (400, "Its file is gone. Evaluate again.")
    page = page_as(alice).get(page_url(evaluation), follow=True).content.decode()
    assert "is gone. Evaluate again." in page
