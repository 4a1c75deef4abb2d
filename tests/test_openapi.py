"""The API against its own description: whatever is sent as the schema allows it, no 5xx, and answers fit the schema."""

from functools import cache

import pytest
import schemathesis
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from rest_framework_simplejwt.tokens import RefreshToken
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from yolotrainer.wsgi import application

from .walk.world import team, values_of, world  # noqa: F401

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
EXAMPLES = 6  # of each operation
METHODS = ("get", "post", "put", "patch", "delete")
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


def operations():
    """`[(path, method)]` of all that the schema describes."""
    paths = SchemaGenerator().get_schema(public=True)["paths"]
    return [(path, method) for path, about in paths.items() for method in METHODS if method in about]


@cache
def described():
    return schemathesis.openapi.from_wsgi("/api/v1/schema", application)


@pytest.fixture
def nothing_is_sent(monkeypatch):
    from celery import current_app

    monkeypatch.setattr(current_app, "send_task", lambda *args, **more: None)


@pytest.mark.django_db
@pytest.mark.usefixtures("nothing_is_sent")
@pytest.mark.parametrize(("path", "method"), operations(), ids=lambda part: part)
def test_answers_fit_the_schema(path, method, world, alice):  # noqa: F811
    sent = {"Authorization": f"Bearer {RefreshToken.for_user(alice).access_token}"}
    known = {name: f"{value}" for name, value in values_of(path.lstrip("/"), world).items()}

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=described()[path][method].as_strategy())
    def fits(case):
        case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
        with transaction.atomic():  # what one call deletes, the next one finds
            answer = case.call(headers=sent)
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)

    fits()
