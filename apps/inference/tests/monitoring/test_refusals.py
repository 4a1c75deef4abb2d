"""What is refused counts too: in the deployment that it names, in its token's usage, and in floods beside them."""

import pytest
import redis
from django.utils import timezone

from apps.inference import services
from apps.inference.models import Deployment, TokenUsage, Traffic
from apps.inference.monitoring import counting, floods
from apps.inference.runtime import Overloaded
from conftest import picture, upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_quotas", "clock", "answers")]
INFER = "/api/v1/predictions/infer"


def as_picture(api, query, body=None, kind="image/png"):
    return api.post(f"{INFER}?{query}", picture() if body is None else body, content_type=kind)


def in_form(api, **data):
    return api.post(INFER, {"image": upload(), **data}, format="multipart")


REFUSED = {
    "a threshold": (400, lambda api: in_form(api, model="cells", conf=7)),
    "a threshold in the query": (400, lambda api: as_picture(api, "model=cells&max_det=0")),
    "a form of the answer": (400, lambda api: as_picture(api, "model=cells&format=xml")),
    "no such option": (400, lambda api: in_form(api, model="cells", confidence=0.9)),
    "no such class": (400, lambda api: in_form(api, model="cells", classes="77")),
    "an empty body": (400, lambda api: as_picture(api, "model=cells", b"")),
    "another kind of body": (415, lambda api: as_picture(api, "model=cells", kind="text/plain")),
    "no JSON": (400, lambda api: as_picture(api, "model=cells", b"{", "application/json")),
    "two files": (
        400,
        lambda api: api.post(f"{INFER}?model=cells", {"image": [upload(), upload("b.png")]}, format="multipart"),
    ),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_refused_call_counts_in_its_deployment_and_its_token(why, deployment, robot):
    token, api = robot()
    status, call = REFUSED[why]
    answer = call(api)
    assert answer.status_code == status, answer.content
    counting.flush()
    row = Traffic.objects.get(deployment=deployment)
    assert (row.requests, row.errors, row.counts["statuses"]) == (1, 1, {str(status): 1})
    used = TokenUsage.objects.get(token=token)
    assert (used.requests, used.errors, used.refused) == (1, 1, 0)


def test_a_call_to_a_paused_name_counts_in_it(deployment, robot):
    type(deployment.model).objects.update(is_deployed=False)
    Deployment.objects.update(is_active=False)
    _, api = robot()
    assert in_form(api, model="cells").status_code == 409
    counting.flush()
    assert Traffic.objects.get(deployment=deployment).counts["statuses"] == {"409": 1}


def test_a_call_to_an_undeployed_model_counts_in_it(trained_model, robot):
    type(trained_model).objects.update(is_deployed=False)
    _, api = robot()
    assert in_form(api, model_id=trained_model.pk).status_code == 409
    counting.flush()
    assert Traffic.objects.get(model=trained_model, deployment=None).counts["statuses"] == {"409": 1}


@pytest.mark.parametrize("model", ["nobody's", "a\x00b", "x" * 500, ""])
def test_what_names_nothing_that_one_may_ask_counts_nowhere(model, robot):
    _, api = robot()
    assert in_form(api, model=model, conf=7).status_code == 400
    counting.flush()
    assert not Traffic.objects.exists()
    assert not TokenUsage.objects.exists()


def test_refused_calls_count_in_the_quota_and_end_with_it(deployment, robot):
    token, api = robot(requests_per_day=2)
    answers = [in_form(api, model="cells", conf=7) for _ in range(3)]
    assert [one.status_code for one in answers] == [400, 400, 429]
    assert [one["X-RateLimit-Remaining"] for one in answers] == ["1", "0", "0"]
    counting.flush()
    used = TokenUsage.objects.get(token=token)
    assert (used.requests, used.errors, used.refused) == (3, 2, 1)


def test_floods_are_counted_and_told_beside_the_traffic(deployment, robot, api_as, alice, clock, monkeypatch):
    def flood():
        raise Overloaded(2)

    monkeypatch.setattr(services, "refuse_flood", flood)
    _, api = robot()
    assert [in_form(api, model="cells").status_code for _ in range(3)] == [503] * 3
    counting.flush()
    counting.flush()  # nothing is counted twice
    report = f"/api/v1/deployments/{deployment.pk}/monitoring?range="
    assert [api_as(alice).get(report + span).json()["refused_unread"] for span in ("hour", "day", "month")] == [3] * 3
    clock.forward(hours=2)
    assert [api_as(alice).get(report + span).json()["refused_unread"] for span in ("hour", "day", "week")] == [0, 3, 3]


def test_floods_wait_for_a_redis_that_is_away(monkeypatch):
    counting.count_flood()
    with monkeypatch.context() as away:
        away.setattr(floods, "shared_redis", lambda: redis.Redis(port=1))
        counting.flush()
        assert floods.refused_since(timezone.now(), timezone.now()) is None
    counting.flush()
    assert floods.refused_since(timezone.now(), timezone.now()) == 1
