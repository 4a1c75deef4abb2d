"""A deployment of alice's, questions that were asked of it, and a clock that stands still."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from apps.accounts.services import create_token
from apps.inference import after, quotas, services
from apps.inference.after import Asked
from apps.inference.models import Deployment
from apps.inference.monitoring import counting
from apps.inference.runtime.answers import Box, Prediction

SPEEDS = ("decode_ms", "preprocess_ms", "inference_ms", "postprocess_ms")
NOON = datetime(2026, 3, 14, 12, 0, 30, tzinfo=UTC)


@pytest.fixture
def clock(monkeypatch):
    """`clock.now` is what everything here takes for the time; noon, so that no test runs over the end of a day."""

    class Clock:
        now = NOON

        def forward(self, **time):
            self.now += timedelta(**time)

    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock.now)
    return clock


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch):
    """What other tests of this process have left in memory is not there."""
    monkeypatch.setattr(counting, "_traffic", {})
    monkeypatch.setattr(counting, "_usage", {})
    monkeypatch.setattr(counting, "_defaults", {})
    monkeypatch.setattr(counting, "_floods", 0)
    monkeypatch.setattr(counting, "_start", lambda: None)  # tests store by themselves


@pytest.fixture
def deployment(trained_model, alice):
    return Deployment.objects.create(owner=alice, name="cells", model=trained_model)


def boxes(*found):
    """Boxes from (class id, confidence)."""
    return [Box(class_id, confidence, 0, 0, 10, 10) for class_id, confidence in found]


@pytest.fixture
def asked(trained_model, alice):
    """`asked(found=…, status=…)`: a question to alice's model; `found` are (class id, confidence)."""

    def question(found=((0, 0.9),), status=200, seconds=0.01, deployment=None, token=None, model=None, **options):
        prediction = Prediction(64, 48, boxes(*found)) if status == 200 else None
        return Asked(
            deployment_id=deployment and deployment.pk, model_id=(model or trained_model).pk, user_id=alice.pk,
            token_id=token and token.pk, status=status, seconds=seconds, data=b"", options=options,
            prediction=prediction,
        )  # fmt: skip

    return question


@pytest.fixture
def counted():
    """`counted(questions)`: count them and store what was counted."""

    def count(questions):
        counting.count(list(questions))
        counting.flush()

    return count


@pytest.fixture
def fresh_quotas(monkeypatch):
    """Neither Redis nor this process has counted anything: ids of tokens come again in other tests."""
    cache.clear()
    monkeypatch.setattr(quotas, "_counter", quotas.Counter())


@pytest.fixture
def robot(alice):
    """`robot(requests_per_day=3)`: a token of alice's as (row, API client that sends it)."""

    def make(**more):
        row, key = create_token(alice, more.pop("name", "robot"), scope="infer", **more)
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Token {key}")
        return row, api

    return make


@pytest.fixture
def answers(monkeypatch, trained_model, deployment):
    """The deployed model answers without a runtime, and every answer is counted at once."""
    trained_model.is_deployed, trained_model.serving_file = True, "models/none.tar"
    trained_model.save()
    prediction = Prediction(64, 48, boxes((0, 0.9), (1, 0.4)), dict.fromkeys(SPEEDS, 1.0))
    monkeypatch.setattr(services, "predict", lambda *args, **options: prediction)
    monkeypatch.setattr(after, "tell", lambda asked: counting.count([asked]))
    return prediction
