"""Prepared queries give what the querysets give, at each moment."""

import pytest

from apps.accounts.models import ApiToken
from apps.accounts.services import create_token
from apps.core.prepared import Prepared


def tokens_of(user_id, scope):
    return ApiToken.objects.select_related("user").filter(user_id=user_id, scope=scope).defer("hint")


def test_prepared_rows_are_those_of_the_queryset(alice, bob, django_assert_num_queries):
    for name in ("one", "two"):
        create_token(alice, name, "infer")
        create_token(bob, name, "infer")
    create_token(alice, "three", "read")
    prepared = Prepared(tokens_of, int, str)
    assert prepared.rows(alice.pk, "infer") == list(tokens_of(alice.pk, "infer"))
    with django_assert_num_queries(1):
        first = prepared.first(bob.pk, "infer")
        assert first.user == bob
        assert first.user.username == "bob"
    assert first.created_at.tzinfo is not None
    assert first.get_deferred_fields() == {"hint"}
    assert prepared.first(bob.pk, "read") is None


def test_prepared_query_remembers_no_answer(alice):
    prepared = Prepared(tokens_of, int, str)
    token, _ = create_token(alice, "one", "infer")
    assert prepared.first(alice.pk, "infer") == token
    token.user.__class__.objects.filter(pk=alice.pk).update(is_active=False)
    assert not prepared.first(alice.pk, "infer").user.is_active
    token.delete()
    assert prepared.first(alice.pk, "infer") is None


def test_what_is_sent_is_a_value_and_never_sql(alice):
    create_token(alice, "one", "infer")
    prepared = Prepared(tokens_of, int, str)
    for value in ("infer' OR '1'='1", "%s", "\x1f", "infer%", str(2**61 + 1)):
        assert prepared.rows(alice.pk, value) == []


@pytest.mark.django_db
def test_query_that_loses_a_value_is_refused():
    lossy = Prepared(lambda user_id, scope: ApiToken.objects.filter(user_id=user_id), int, str)
    with pytest.raises(ValueError, match=r"\[1\]"):
        lossy.rows(1, "read")
