"""Who else is in a dataset now."""

import pytest
import redis

from apps.annotations.services import presence


@pytest.fixture
def here(api_as, public):
    """`here(user, image_id)`: that user says where they are, and hears of the others."""
    address = f"/api/v1/datasets/{public.pk}/presence"
    presence.shared_redis().delete(f"presence:{public.pk}")

    def say(user, image_id=None):
        answer = api_as(user).post(address, {"image_id": image_id}, format="json")
        assert answer.status_code == 200, answer.json()
        return answer.json()["people"]

    yield say
    presence.shared_redis().delete(f"presence:{public.pk}")


def test_each_hears_of_the_others_and_not_of_oneself(here, alice, bob, carol):
    assert here(alice, 1) == []
    assert here(bob, 2) == [{"username": "alice", "image_id": 1}]
    others = here(carol)
    assert sorted(one["username"] for one in others) == ["alice", "bob"]
    assert {"username": "carol", "image_id": None} in here(alice, 3)
    assert {"username": "alice", "image_id": 3} in here(bob, 2)


def test_who_says_nothing_for_a_while_is_gone(here, alice, bob, monkeypatch):
    here(alice, 1)
    now = presence.time.time()
    monkeypatch.setattr(presence.time, "time", lambda: now + presence.ALIVE_SECONDS + 1)
    assert here(bob, 1) == []


def test_the_key_has_a_lifetime(here, alice, public):
    here(alice, 1)
    assert 0 < presence.shared_redis().ttl(f"presence:{public.pk}") <= presence.ALIVE_SECONDS * 3


def test_datasets_are_apart(here, alice, bob, api_as):
    from apps.datasets import services

    other = services.create_dataset(bob, "Other")
    presence.shared_redis().delete(f"presence:{other.pk}")
    api_as(bob).post(f"/api/v1/datasets/{other.pk}/presence", {"image_id": 1}, format="json")
    assert here(alice, 1) == []


def test_labelling_goes_on_where_redis_is_away(here, alice, bob, monkeypatch):
    here(alice, 1)
    with monkeypatch.context() as away:
        away.setattr(presence, "shared_redis", lambda: redis.Redis(port=1, socket_timeout=0.2))
        assert here(bob, 1) == []


@pytest.mark.parametrize("image_id", ["x", -1, 2**80, [1]])
def test_a_place_that_is_none_is_refused(api_as, alice, dataset, image_id):
    answer = api_as(alice).post(f"/api/v1/datasets/{dataset.pk}/presence", {"image_id": image_id}, format="json")
    assert (answer.status_code, list(answer.json())) == (400, ["image_id"])
