"""Shadow: what is compared and counted, that it yields to real questions, starting and stopping it."""

import pytest
from django.utils import timezone

from apps.core.models import Job
from apps.datasets import services as datasets
from apps.inference import services
from apps.inference.aside import Aside
from apps.inference.capture import storing
from apps.inference.capture.settings import set_capture
from apps.inference.models import Deployment, ShadowSample, ShadowTraffic
from apps.inference.monitoring.counts import add
from apps.inference.runtime import Box, Prediction
from apps.inference.shadow import asking, counting
from apps.inference.shadow import settings as shadows
from apps.inference.shadow.compare import compare, counts_of, quantile, slot_of
from apps.inference.shadow.figures import figures_of, points, samples_of
from apps.inference.tests.fakes import BOTH, FakeRuntime, make_version
from apps.inference.tests.test_capture import asked

ADDRESS = "/api/v1/deployments"
SHIFTED = [(0, 0.7, 0.5, 0.5, 0.2, 0.2), (1, 0.6, 0.8, 0.8, 0.2, 0.2)]  # the first is found again, the second elsewhere


@pytest.fixture
def shadowed(deployment, versions, alice, fake_runtimes):
    """`deployment` with the second version as its shadow, for all questions; it finds SHIFTED."""
    fake_runtimes[versions[1].pk] = FakeRuntime(SHIFTED)
    shadows.start_shadow(deployment, versions[1], 1.0, alice)
    return Deployment.objects.get(pk=deployment.pk)


def prediction(*boxes):
    return Prediction(100, 100, [Box(*one) for one in boxes])


def double(*questions):
    asking.answer_doubled(asking.choose(list(questions)))


def test_boxes_agree_by_class_name_and_half_overlap():
    live = prediction((0, 0.9, 0, 0, 10, 10), (1, 0.8, 50, 50, 60, 60), (0, 0.3, 80, 80, 90, 90))
    shadow = prediction((1, 0.7, 0, 0, 10, 14), (0, 0.8, 50, 54, 60, 66), (1, 0.5, 20, 20, 30, 30))
    found = compare(live, ["cat", "dog"], shadow, ["Dog", "CAT"])  # in another order, and written otherwise
    assert [(one[0], two[0]) for one, two in found.pairs] == [("cat", "CAT")]
    assert sorted(row[1] for row in found.only_one) == [0.3, 0.5, 0.8, 0.8]
    assert found.weight == pytest.approx(2.4)
    counts = counts_of(found, 10, 20)
    assert counts["same"] == 0
    assert counts["classes"]["cat"] == {
        "both": 1, "live": 1, "shadow": 1, "moved": pytest.approx(-0.2), "apart": pytest.approx(0.2)
    }  # fmt: skip
    assert counts["classes"]["dog"] == {"both": 0, "live": 1, "shadow": 1, "moved": 0, "apart": 0}
    assert counts["differences"] == {"-2": 1}


def test_each_box_is_found_by_one_other_at_most():
    two, one = prediction((0, 0.9, 0, 0, 10, 10), (0, 0.8, 0, 0, 10, 10)), prediction((0, 0.9, 0, 0, 10, 10))
    assert len(compare(two, ["a"], one, ["a"]).pairs) == 1
    assert compare(one, ["a"], one, ["a"]).only_one == []


def test_quantiles_come_back_within_five_percent():
    slots = {}
    for milliseconds in range(1, 101):
        add(slots, {slot_of(milliseconds): 1})
    assert quantile(slots, 0.5) == pytest.approx(50, rel=0.06)
    assert quantile(slots, 0.95) == pytest.approx(95, rel=0.06)
    assert quantile({}, 0.5) is None


def test_a_shadow_is_counted_beside_the_live_model(shadowed, alice, api_as):
    double(asked(shadowed, seed=1), asked(shadowed, seed=2))
    figures = figures_of(shadowed)
    assert [figures[name] for name in ("answered", "skipped", "failed", "same")] == [2, 0, 0, 0]
    assert [figures[name] for name in ("both", "live", "shadow")] == [2, 2, 2]
    assert figures["agreement"] == pytest.approx(1 / 3)
    red, white = figures["classes"]
    assert (red["name"], red["agreement"], round(red["moved"], 3)) == ("red", 1.0, -0.2)
    assert (white["name"], white["live"], white["shadow"], white["moved"]) == ("white", 2, 2, None)
    assert figures["live_ms"]["p50"] == pytest.approx(0.4, rel=0.06)
    answer = api_as(alice).get(f"{ADDRESS}/{shadowed.pk}/shadow").json()
    assert (answer["state"], answer["figures"]["answered"]) == ("answering", 2)
    assert len(answer["figures"]["points"]) == 1


def test_the_shadow_is_skipped_while_a_question_is_answered(shadowed):
    with services.gate:
        double(asked(shadowed))
    row = ShadowTraffic.objects.get()
    assert (row.answered, row.skipped) == (0, 1)
    double(asked(shadowed))
    row.refresh_from_db()
    assert (row.answered, row.skipped) == (1, 1)


def test_the_shadow_takes_no_place_of_a_question(shadowed, fake_runtimes, versions):
    inside = []

    class Looking(FakeRuntime):
        def predict(self, *args, **options):
            inside.append(services.gate.is_idle())
            return super().predict(*args, **options)

    fake_runtimes[versions[1].pk] = Looking(SHIFTED)
    double(asked(shadowed))
    assert inside == [True]


def test_a_full_line_skips_and_counts_instead_of_waiting(shadowed, monkeypatch):
    line = Aside("shadow", 1, asking.answer_doubled)
    monkeypatch.setattr(line, "start", lambda: None)
    monkeypatch.setattr(asking, "_aside", line)
    asking.double_questions([asked(shadowed, seed=n) for n in range(3)])
    assert ShadowTraffic.objects.get().skipped == 2


def test_a_shadow_that_cannot_answer_is_counted_and_harms_nobody(shadowed, fake_runtimes, versions):
    class Broken(FakeRuntime):
        def predict(self, *args, **options):
            raise RuntimeError("no")

    fake_runtimes[versions[1].pk] = Broken(BOTH)
    double(asked(shadowed))
    assert ShadowTraffic.objects.get().failed == 1


def test_its_share_of_the_questions_is_chosen_by_chance(shadowed):
    Deployment.objects.update(shadow_share=0.25)
    chances = iter([n / 8 for n in range(8)])
    assert len(asking.choose([asked(shadowed, seed=n) for n in range(8)], lambda: next(chances))) == 2


def test_what_another_model_answered_before_a_switch_is_not_compared(shadowed, versions):
    assert asking.choose([asked(shadowed, model_id=versions[1].pk)]) == []


def test_options_are_translated_to_the_classes_of_the_shadow():
    options = {"conf": 0.3, "classes": [0, 2], "per_class": {"1": 0.7, "2": 0.6}}
    assert asking.translated(options, ["a", "b", "c"], ["C", "a"]) == {
        "conf": 0.3, "classes": [1, 0], "per_class": {"0": 0.6}
    }  # fmt: skip


def test_the_pictures_that_differ_most_are_shown_where_a_capture_keeps_them(shadowed, alice, page_as, monkeypatch):
    monkeypatch.setattr(counting, "SAMPLES", 2)
    double(asked(shadowed, seed=1))
    assert not ShadowSample.objects.exists()  # nobody keeps pictures
    target = datasets.create_dataset(alice, "Inbox", class_names=["red", "white"])
    set_capture(shadowed, alice, target, mode="disagreements")
    double(asked(shadowed, seed=2), asked(shadowed, seed=3, found=[*BOTH, (0, 0.95, 0.2, 0.2, 0.1, 0.1)]))
    double(asked(shadowed, seed=4), asked(shadowed, seed=5, found=SHIFTED))  # the last is the same
    storing.sweep_waiting()
    assert target.images.count() == 3
    shown = samples_of(shadowed, target)
    assert [round(one.weight, 2) for one in shown] == [2.35, 1.4]
    assert shown[0].image in target.images.all()
    page = page_as(alice).get(f"/deployments/{shadowed.pk}/shadow").content.decode()
    assert page.count('class="one"') == 5
    assert page.count('class="both"') == 4
    datasets.purge_images(target, target.images.all())
    assert samples_of(shadowed, target) == []


def test_points_of_the_chart_stay_few_however_long_it_ran(shadowed):
    start = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = [
        ShadowTraffic(start=start + counting.timedelta(minutes=5 * n), answered=1, counts={}) for n in range(14 * 288)
    ]
    found = points(rows)
    assert len(found) <= 96
    assert sum(point["answered"] for point in found) == 14 * 288


def test_old_counts_go(shadowed):
    double(asked(shadowed))
    assert counting.forget_old_counts() == 0
    ShadowTraffic.objects.update(start=timezone.now() - counting.timedelta(days=15))
    assert counting.forget_old_counts() == 1


def test_starting_builds_what_is_not_built_and_answers_from_then_on(
    deployment, ready_dataset, alice, api_as, monkeypatch, run_tasks_at_once, django_capture_on_commit_callbacks
):
    model = make_version(ready_dataset, alice, 3, built=False)
    api, at = api_as(alice), f"{ADDRESS}/{deployment.pk}/shadow"
    answer = api.put(at, {"model_id": model.pk, "share": 0.5}, format="json")
    assert (answer.status_code, answer.json()["state"]) == (202, "building")
    assert asking.choose([asked(deployment)]) == []  # nothing to ask yet
    assert api.put(at, {"model_id": model.pk, "share": 0.4}, format="json").json()["job"]["id"] == Job.objects.get().pk

    def build(model, report):
        type(model).objects.filter(pk=model.pk).update(serving_file="x.tar")
        return {"format": "openvino"}

    monkeypatch.setattr(shadows, "build", build)
    with django_capture_on_commit_callbacks(execute=True):
        shadows.work.enqueue(Job.objects.get(), shadows.TASK)
    assert Job.objects.get().status == "completed"
    model.refresh_from_db()
    assert not model.is_deployed  # it answers nobody
    assert api.get(at).json()["state"] == "answering"
    Deployment.objects.update(shadow_share=1)
    assert len(asking.choose([asked(deployment)])) == 1


def test_a_build_that_failed_is_said_and_can_be_tried_again(deployment, ready_dataset, alice, api_as, page_as):
    model = make_version(ready_dataset, alice, 3, built=False)
    shadows.start_shadow(deployment, model, 0.1, alice)
    poll = f"/deployments/{deployment.pk}/shadow/figures?was=building"
    part = {"HX-Request": "true"}
    building = page_as(alice).get(poll, headers=part)
    assert poll in building.content.decode()
    assert "HX-Retarget" not in building
    Job.objects.update(status="failed", error_message="No validation image.")
    ended = page_as(alice).get(poll, headers=part)  # all of the card says so: its badge, and its form
    assert ended["HX-Retarget"] == "#shadow"
    assert "not built" in ended.content.decode()
    assert "Try again" in ended.content.decode()
    assert api_as(alice).get(f"{ADDRESS}/{deployment.pk}/shadow").json()["state"] == "failed"
    assert "No validation image." in page_as(alice).get(f"/deployments/{deployment.pk}/shadow").content.decode()
    page_as(alice).post(f"/deployments/{deployment.pk}/shadow", {"model": model.pk, "share": 5})
    assert Job.objects.filter(status="pending").count() == 1


def test_what_cannot_be_a_shadow_is_refused_in_words(deployment, versions, alice, bob, api_as, ready_dataset):
    api, at = api_as(alice), f"{ADDRESS}/{deployment.pk}/shadow"
    for body in ({}, {"model_id": versions[0].pk}, {"model_id": 10**6}, {"model_id": versions[1].pk, "share": 0}):
        assert api.put(at, body, format="json").status_code == 400
    type(versions[1]).objects.filter(pk=versions[1].pk).update(format="onnx")
    Deployment.objects.filter(pk=deployment.pk).update(model=None)
    refused = api.put(at, {"model_id": versions[1].pk}, format="json")
    assert refused.status_code == 409
    assert "Nothing is live" in refused.json()["detail"]


def test_stopping_ends_it_and_keeps_what_was_counted(shadowed, versions, alice, api_as, page_as):
    double(asked(shadowed))
    chosen = asking.choose([asked(shadowed, seed=2)])
    assert api_as(alice).delete(f"{ADDRESS}/{shadowed.pk}/shadow").status_code == 204
    asking.answer_doubled(chosen)  # one that was on its way is not counted any more
    assert asking.choose([asked(shadowed)]) == []
    assert ShadowTraffic.objects.get().answered == 1
    page = page_as(alice)
    assert "Start the shadow" in page.get(f"/deployments/{shadowed.pk}/shadow").content.decode()
    page.post(f"/deployments/{shadowed.pk}/shadow", {"model": versions[1].pk, "share": 50})
    assert figures_of(Deployment.objects.get(pk=shadowed.pk))["answered"] == 1
    assert page.post(f"/deployments/{shadowed.pk}/shadow/stop").status_code == 302
    assert Deployment.objects.get(pk=shadowed.pk).shadow is None


def test_the_figures_cost_as_many_queries_for_one_row_as_for_many(
    shadowed, alice, page_as, django_assert_num_queries, versions
):
    page = page_as(alice)
    address = f"/deployments/{shadowed.pk}/shadow/figures"
    double(asked(shadowed))
    with django_assert_num_queries(8):
        page.get(address)
    start = timezone.now()
    ShadowTraffic.objects.bulk_create(
        ShadowTraffic(
            deployment=shadowed, live=versions[0], shadow=versions[1], answered=1, counts={"same": 1},
            start=start - counting.timedelta(minutes=5 * n),
        )
        for n in range(1, 50)
    )  # fmt: skip
    with django_assert_num_queries(8):
        assert "50" in page.get(address).content.decode()
