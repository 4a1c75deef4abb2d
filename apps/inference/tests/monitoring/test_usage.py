"""Usage by token and day: each person sees their own tokens', revoked ones too."""

import pytest

from apps.accounts.services import create_token, revoke_token

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_quotas")]
USAGE = "/api/v1/auth/tokens/usage"
PART = {"HX-Request": "true"}


@pytest.fixture
def used(alice, asked, counted, clock):
    """A robot that asked twice yesterday and thrice today, once in vain."""
    token, _ = create_token(alice, "robot", requests_per_day=10)
    clock.forward(days=-1)
    counted([asked(token=token)] * 2)
    clock.forward(days=1)
    counted([asked(token=token), asked(token=token), asked(token=token, status=400)])
    return token


def test_usage_is_by_day_with_today_last(used, alice, api_as):
    body = api_as(alice).get(f"{USAGE}?days=3").json()
    assert body["days"] == ["2026-03-12", "2026-03-13", "2026-03-14"]
    token = body["tokens"][0]
    assert (token["requests"], token["errors"], token["refused"]) == ([0, 2, 3], [0, 0, 1], [0, 0, 0])
    assert (token["used_today"], token["remaining_today"], token["requests_per_day"]) == (3, 7, 10)
    assert token["total"] == {"requests": 5, "errors": 1, "refused": 0}
    assert token["resets_at"] == "2026-03-15T00:00:00Z"


def test_a_revoked_token_keeps_its_history(used, alice, api_as):
    revoke_token(used)
    token = api_as(alice).get(USAGE).json()["tokens"][0]
    assert (token["id"], token["name"], token["total"]["requests"]) == (None, "robot", 5)


def test_nobody_sees_the_usage_of_others(used, carol, operator, api_as):
    for other in (carol, operator):
        assert api_as(other).get(USAGE).json()["tokens"] == []
    assert api_as().get(USAGE).status_code == 401


@pytest.mark.parametrize("days", ["0", "401", "-1", "x", "1e9"])
def test_a_wrong_number_of_days_is_refused_with_a_reason(alice, api_as, days):
    answer = api_as(alice).get(f"{USAGE}?days={days}")
    assert (answer.status_code, list(answer.json())) == (400, ["days"])


def test_the_page_shows_bars_and_what_is_left(used, alice, page_as):
    for part in ({}, PART):
        page = page_as(alice).get("/account/tokens/usage", headers=part).content.decode()
        assert "2026-03-13: 2 asked" in page
        assert "3 of 10" in page


def test_the_page_says_that_there_is_nothing_yet(alice, page_as):
    assert "Nothing yet" in page_as(alice).get("/account/tokens/usage", headers=PART).content.decode()
    page = page_as(alice).get("/account/tokens/usage?days=7").content.decode()
    assert "Nothing was asked in these 7 days" in page
    assert "usage.csv" not in page
    for address in ("/account/tokens/usage", "/account/tokens/usage.csv"):
        assert page_as().get(address).status_code == 302
        assert page_as(alice).get(address + "?days=8").status_code == 404


def test_the_page_and_its_file_say_what_each_token_asked_on_each_day(used, alice, carol, page_as):
    revoke_token(used)
    page = page_as(alice).get("/account/tokens/usage?days=7").content.decode()
    assert page.index("2026-03-14</td>") < page.index("2026-03-13</td>")
    table = page_as(alice).get("/account/tokens/usage.csv?days=7").content.decode().splitlines()
    assert table == [
        "day,token,answered,errors,refused,requests", "2026-03-14,robot,2,1,0,3", "2026-03-13,robot,2,0,0,2"
    ]  # fmt: skip
    assert page_as(carol).get("/account/tokens/usage.csv").content.decode().count("\n") == 1


def test_the_tokens_page_loads_it(alice, page_as):
    assert 'hx-get="/account/tokens/usage"' in page_as(alice).get("/account/tokens").content.decode()


def test_queries_do_not_grow_with_tokens_and_days(used, alice, page_as, django_assert_max_num_queries):
    browser = page_as(alice)
    for number in range(10):
        create_token(alice, f"other {number}")
    with django_assert_max_num_queries(6):
        browser.get("/account/tokens/usage", headers=PART)
    with django_assert_max_num_queries(8):
        browser.get("/account/tokens/usage")
