"""How the API answers errors: `{field: [...]}` or `{detail: ...}`, and never 500 for what a caller sent."""

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFilesSent
from django.http import Http404
from rest_framework.exceptions import NotFound, Throttled, ValidationError

from apps.core.api import answer_error


@pytest.mark.parametrize(
    ("error", "status", "data"),
    [
        (ValidationError({"name": ["Too long."]}), 400, {"name": ["Too long."]}),
        (ValidationError("All of it is wrong."), 400, {"detail": "All of it is wrong."}),
        (ValidationError(["One.", "Two."]), 400, {"detail": "One. Two."}),
        (ValidationError({"non_field_errors": ["Sum is off."]}), 400, {"detail": "Sum is off."}),
        (
            ValidationError({"non_field_errors": ["Sum is off."], "train": ["Not a number."]}),
            400,
            {"detail": "Sum is off.", "train": ["Not a number."]},
        ),
        (NotFound(), 404, {"detail": "Not found."}),
        (Http404(), 404, {"detail": "Not found."}),
        (PermissionDenied("Only its owner."), 403, {"detail": "Only its owner."}),
    ],
)
def test_shape_of_an_error(error, status, data):
    response = answer_error(error, {})
    assert (response.status_code, response.data) == (status, data)


@pytest.mark.parametrize(
    ("error", "status"), [(RequestDataTooBig(), 413), (TooManyFilesSent(), 413), (RecursionError(), 400)]
)
def test_request_that_cannot_be_read_is_the_callers_fault_in_words(error, status):
    response = answer_error(error, {})
    assert response.status_code == status
    assert response.data["detail"]


def test_throttled_caller_hears_when_to_come_back():
    assert answer_error(Throttled(7), {})["Retry-After"] == "7"


def test_error_of_our_own_is_not_answered_as_the_callers():
    assert answer_error(KeyError("bug"), {}) is None


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b"[1, 2]", b'"text"', b"null"])
def test_body_that_is_no_json_object_answers_400_with_words(body, api_as, alice):
    response = api_as(alice).generic("POST", "/api/v1/datasets", body, content_type="application/json")
    assert response.status_code == 400
    assert isinstance(response.json(), dict)


def test_unsupported_content_type_answers_415(api_as, alice):
    response = api_as(alice).generic("POST", "/api/v1/datasets", b"<a/>", content_type="text/xml")
    assert (response.status_code, list(response.json())) == (415, ["detail"])


def test_wrong_method_answers_405(api_as, alice):
    assert api_as(alice).put("/api/v1/auth/me", {}).status_code == 405


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_body_over_the_limit_answers_413_with_the_limit(kind, api_as, settings, db):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
    response = api_as().generic("POST", "/api/v1/auth/login", b"x" * (2**20 + 1), content_type=kind)
    assert response.status_code == 413
    assert "1 MB" in response.json()["detail"]
