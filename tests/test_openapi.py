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
    """{the first word of the path: [(path, method)]} of all that the schema describes."""
    paths, found = SchemaGenerator().get_schema(public=True)["paths"], {}
    for path, about in paths.items():
        part = path.removeprefix("/api/v1/").split("/")[0]
        found.setdefault(part, []).extend((path, method) for method in METHODS if method in about)
    return found


OPERATIONS = operations()


@cache
def described():
    return schemathesis.openapi.from_wsgi("/api/v1/schema", application)


@pytest.fixture
def nothing_is_sent(monkeypatch):
    from celery import current_app

    monkeypatch.setattr(current_app, "send_task", lambda *args, **more: None)


@pytest.mark.django_db
@pytest.mark.usefixtures("nothing_is_sent", "kept_connection")
@pytest.mark.parametrize("part", OPERATIONS)
def test_answers_fit_the_schema(part, world, alice):  # noqa: F811
    sent = {"Authorization": f"Bearer {RefreshToken.for_user(alice).access_token}"}
    for path, method in OPERATIONS[part]:
        known = {name: f"{value}" for name, value in values_of(path.lstrip("/"), world).items()}
        answers_fit(described()[path][method], known, sent)


def answers_fit(operation, known, sent):
    """Raises where an answer to one of EXAMPLES calls does not fit; `known` are the parameters of the path."""

    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def fits(case):
        case.path_parameters = {name: known.get(name, value) for name, value in (case.path_parameters or {}).items()}
        with transaction.atomic():  # what one call deletes, the next one finds
            answer = case.call(headers=sent)
            transaction.set_rollback(True)
        case.validate_response(answer, checks=CHECKS)

    fits()
