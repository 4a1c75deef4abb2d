"""A token's quota: set when it is made or later, by its owner; what a token with a quota may not do."""

import pytest
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.models import ApiToken

TOKENS = "/api/v1/auth/tokens"


@pytest.fixture
def token(alice):
    return services.create_token(alice, "robot", requests_per_day=100)[0]


def test_a_quota_is_set_when_a_token_is_made(alice, api_as, page_as):
    made = api_as(alice).post(TOKENS, {"name": "a", "requests_per_day": 50})
    assert (made.status_code, made.json()["requests_per_day"]) == (201, 50)
    page_as(alice).post("/account/tokens", {"name": "b", "scope": ["infer"], "requests_per_day": "7"})
    page_as(alice).post("/account/tokens", {"name": "c", "scope": ["infer"], "requests_per_day": ""})
    assert list(ApiToken.objects.values_list("name", "requests_per_day")) == [("c", None), ("b", 7), ("a", 50)]


def test_it_is_changed_and_taken_off_later(token, alice, api_as, page_as):
    answer = api_as(alice).patch(f"{TOKENS}/{token.pk}", {"requests_per_day": 9})
    assert (answer.status_code, answer.json()["requests_per_day"]) == (200, 9)
    page = page_as(alice).post(f"/account/tokens/{token.pk}/quota", {"requests_per_day": ""}, follow=True)
    assert "has no quota from now on" in page.content.decode()
    token.refresh_from_db()
    assert token.requests_per_day is None


@pytest.mark.parametrize("quota", [0, -1, 10**12, 10**30, "many", 1.5, [], {}])
def test_what_is_no_quota_is_refused_with_a_reason(token, alice, api_as, page_as, quota):
    answer = api_as(alice).patch(f"{TOKENS}/{token.pk}", {"requests_per_day": quota})
    assert (answer.status_code, list(answer.json())) == (400, ["requests_per_day"])
    page = page_as(alice).post(f"/account/tokens/{token.pk}/quota", {"requests_per_day": str(quota)}, follow=True)
    assert "The quota of “robot” stays" in page.content.decode()
    token.refresh_from_db()
    assert token.requests_per_day == 100


def test_a_change_without_the_quota_is_refused(token, alice, api_as):
    assert api_as(alice).patch(f"{TOKENS}/{token.pk}", {}).status_code == 400


def test_nobody_changes_the_quota_of_anothers_token(token, carol, operator, api_as, page_as):
    for other in (carol, operator):
        assert api_as(other).patch(f"{TOKENS}/{token.pk}", {"requests_per_day": 1}).status_code == 404
        assert page_as(other).post(f"/account/tokens/{token.pk}/quota", {"requests_per_day": 1}).status_code == 404
    token.refresh_from_db()
    assert token.requests_per_day == 100


def test_a_token_with_a_quota_frees_itself_of_it_in_no_way(alice):
    row, key = services.create_token(alice, "robot", scope="read infer write", requests_per_day=5)
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    assert api.patch(f"{TOKENS}/{row.pk}", {"requests_per_day": 10**6}).status_code == 403
    assert api.post(TOKENS, {"name": "another"}).status_code == 403
    assert ApiToken.objects.count() == 1
