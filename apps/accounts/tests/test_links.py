"""Links that are good once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts import services
from apps.accounts.models import OneTimeLink


@pytest.fixture
def link(operator):
    return services.make_link("team", operator, email="dora@example.org", team=7)


def test_key_is_not_stored_and_opens_its_link(link):
    row, key = link
    assert key not in str(OneTimeLink.objects.filter(pk=row.pk).values())
    found = services.find_link("team", key)
    assert (found, found.data, found.email) == (row, {"team": 7}, "dora@example.org")


def test_link_is_good_once(link, alice, bob):
    row, key = link
    held = services.find_link("team", key)
    services.use_link(row, alice)
    with pytest.raises(services.LinkRefused):  # held by another request since before
        services.use_link(held, bob)
    with pytest.raises(services.LinkRefused, match="used"):
        services.find_link("team", key)
    assert OneTimeLink.objects.get().used_by == alice
    assert services.revoke_link(row) is False


def test_link_of_another_purpose_or_a_wrong_key_opens_nothing(link):
    for purpose, key in [("registration", link[1]), ("team", "x"), ("team", ""), ("team", "\x00"), ("team", "ü" * 999)]:
        with pytest.raises(services.LinkRefused, match="not known"):
            services.find_link(purpose, key)


def test_withdrawn_and_ended_links_are_refused_in_words(link, alice):
    row, key = link
    OneTimeLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(services.LinkRefused, match="good until"):
        services.find_link("team", key)
    with pytest.raises(services.LinkRefused):
        services.use_link(row, alice)
    OneTimeLink.objects.update(expires_at=timezone.now() + timedelta(days=1))
    assert services.revoke_link(row) is True
    assert not OneTimeLink.objects.get().is_good
    with pytest.raises(services.LinkRefused, match="withdrawn"):
        services.find_link("team", key)
