"""The API against its own description: whatever is sent as the schema allows it, no 5xx, and answers fit the schema."""

from functools import cache

import pytest
import schemathesis
import yaml
from django.core.management import call_command
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, settings
from rest_framework_simplejwt.tokens import RefreshToken
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from apps.core import openapi
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


def test_the_description_is_made_without_a_warning(tmp_path):
    """The generator writes them to the process's error output, between the lines of a log in JSON."""
    call_command("spectacular", "--fail-on-warn", "--validate", file=str(tmp_path / "schema.yml"))


def test_the_description_is_made_once_and_the_same_for_everybody(client, api_as, operator, monkeypatch):
    openapi.described.cache_clear()
    openapi.rendered.cache_clear()
    made, real = [], SchemaGenerator.get_schema
    monkeypatch.setattr(SchemaGenerator, "get_schema", lambda *args, **more: made.append(1) or real(*args, **more))
    answers = [one.get("/api/v1/schema", {"version": n}) for n, one in enumerate([client, api_as(operator), client])]
    assert len({answer.content for answer in answers}) == 1
    assert answers[0]["Content-Type"] == "application/vnd.oai.openapi; charset=utf-8"
    as_json = client.get("/api/v1/schema", HTTP_ACCEPT="application/json")
    assert as_json.json()["paths"].keys() == yaml.safe_load(answers[0].content)["paths"].keys()
    assert made == [1]


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
