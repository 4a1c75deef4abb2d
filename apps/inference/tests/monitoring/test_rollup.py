"""Old minutes become hours and old hours days; nothing is lost or counted twice, and old days go."""

from datetime import timedelta

import pytest

from apps.accounts.services import create_token
from apps.inference.models import TokenUsage, Traffic
from apps.inference.monitoring import rollup
from apps.inference.tasks import roll_up_traffic

pytestmark = pytest.mark.django_db


@pytest.fixture
def minutes(asked, counted, deployment, clock):
    """A question through the deployment and one past it in each of 100 minutes, the last of them now."""
    for _ in range(100):
        counted([asked(deployment=deployment), asked()])
        clock.forward(minutes=1)
    clock.forward(minutes=-1)


def total():
    return sum(Traffic.objects.values_list("requests", flat=True))


def steps():
    return set(Traffic.objects.values_list("step", flat=True))


def test_minutes_stay_minutes_for_a_day(minutes):
    roll_up_traffic()
    assert (steps(), Traffic.objects.count()) == ({"minute"}, 200)


def test_old_minutes_become_hours_and_these_days(minutes, clock, deployment):
    clock.forward(hours=30)
    roll_up_traffic()
    assert (steps(), total()) == ({"hour"}, 200)
    assert Traffic.objects.filter(deployment=deployment).count() == 2  # noon to 13:40
    hour = Traffic.objects.filter(deployment=deployment).first()
    assert hour.requests == hour.counts["statuses"]["200"] == hour.counts["classes"]["0"] == 60
    clock.forward(days=33)
    roll_up_traffic()
    assert (steps(), total(), Traffic.objects.count()) == ({"day"}, 200, 2)


def test_running_twice_changes_nothing(minutes, clock):
    clock.forward(hours=30)
    roll_up_traffic()
    before = list(Traffic.objects.values("pk", "counts"))
    roll_up_traffic()
    assert list(Traffic.objects.values("pk", "counts")) == before


def test_an_hour_is_added_up_only_when_it_is_whole(minutes, clock):
    """At 13:30 of the next day plus an hour, noon is old enough, and 13:00 is not yet."""
    clock.now = clock.now.replace(hour=14, minute=30) + timedelta(days=1)
    roll_up_traffic()
    assert steps() == {"hour", "minute"}
    assert total() == 200


def test_killed_between_two_hours_it_goes_on_the_next_time(minutes, clock, monkeypatch):
    clock.forward(hours=30)
    merge, merged = rollup._merge, []

    def killed(*args):
        if merged:
            raise KeyboardInterrupt
        merged.append(merge(*args))

    with monkeypatch.context() as patched:
        patched.setattr(rollup, "_merge", killed)
        with pytest.raises(KeyboardInterrupt):
            roll_up_traffic()
    assert (steps(), total()) == ({"hour", "minute"}, 200)
    roll_up_traffic()
    assert (steps(), total()) == ({"hour"}, 200)


def test_minutes_that_come_late_are_added_to_their_hour(minutes, clock, asked, counted):
    first = clock.now
    clock.forward(hours=30)
    later = clock.now
    roll_up_traffic()
    clock.now = first
    counted([asked()])
    clock.now = later
    roll_up_traffic()
    assert (steps(), total(), Traffic.objects.filter(deployment=None).count()) == ({"hour"}, 201, 2)


def test_traffic_of_a_deployment_outlives_its_models(minutes, clock, deployment, trained_model):
    trained_model.delete()
    clock.forward(hours=30)
    roll_up_traffic()
    assert sum(Traffic.objects.filter(deployment=deployment).values_list("requests", flat=True)) == 100
    assert not Traffic.objects.filter(deployment=None).exists()


def test_what_is_older_than_the_platform_keeps_goes(minutes, clock, asked, counted, alice, settings):
    token, _ = create_token(alice, "robot")
    counted([asked(token=token)])
    settings.TRAFFIC_DAYS = 40
    clock.forward(days=39)
    roll_up_traffic()
    assert (total(), TokenUsage.objects.count()) == (201, 1)
    clock.forward(days=3)
    roll_up_traffic()
    assert (total(), TokenUsage.objects.count()) == (0, 0)
