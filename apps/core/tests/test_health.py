"""Health: alive, and ready or why not, within a moment, and in words only to whom may see inside."""

import threading

import pytest
from django.core.cache import cache, caches
from django.db import DatabaseError

from apps.core import health


@pytest.fixture(autouse=True)
def asked_anew():
    health.forget_all()
    cache.delete("readyz-workers")
    yield
    health.forget_all()


@pytest.fixture
def workers(monkeypatch):
    """A worker on every queue; the tests of the whole platform ask real ones."""
    monkeypatch.setattr(health, "_missing_workers", lambda: "")


@pytest.fixture
def ask(client, threads_database):
    """Parts are asked in threads, which a database in memory does not let in."""
    return client


def test_healthz_is_ok_without_a_database(client):
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readyz_says_ok_of_every_part(ask, workers):
    response = ask.get("/readyz")
    assert response.status_code == 200
    assert set(response.json().values()) == {"ok"}
    assert {"database", "redis", "storage", "disk", "memory", "workers", "models"} == set(response.json())


def test_readyz_names_the_queue_where_valkey_is_away(ask, settings, tmp_path):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"unix://{tmp_path}/nobody.sock?db=1",
        }
    }
    response = ask.get("/readyz")
    caches["default"].close()
    assert response.status_code == 503
    assert "ConnectionError" in response.json()["redis"]
    assert response.json()["database"] == "ok"


def test_readyz_names_a_disk_that_is_nearly_full(ask, monkeypatch):
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 2**80)
    response = ask.get("/readyz")
    assert response.status_code == 503
    assert "MB free" in response.json()["disk"]


def test_readyz_names_the_queues_that_no_worker_serves(ask):
    response = ask.get("/readyz")
    assert response.status_code == 503
    assert response.json()["workers"] == "no worker for: default, inference, training, upkeep"


@pytest.mark.django_db(transaction=True)
def test_readyz_names_a_deployed_model_whose_files_are_gone(trained_model, ask, workers):
    type(trained_model).objects.update(is_deployed=True, serving_file="models/gone.tar")
    assert "Cells v1" in ask.get("/readyz").json()["models"]


def test_a_part_that_hangs_is_named_and_asked_once_only(ask, monkeypatch):
    asked, answers = [], threading.Event()

    def hang():
        asked.append(1)
        answers.wait(30)

    monkeypatch.setattr(health, "ANSWER_SECONDS", 0.2)
    monkeypatch.setitem(health.CHECKS, "storage", health.Check(hang))
    assert ask.get("/readyz").json()["storage"] == "no answer within 0.2 s"
    assert ask.get("/readyz").json()["storage"] == "no answer within 0.2 s"
    assert asked == [1]
    answers.set()


def test_answers_are_kept_for_a_moment(ask, monkeypatch):
    asked = []
    monkeypatch.setitem(health.CHECKS, "storage", health.Check(lambda: asked.append(1)))
    for _ in range(3):
        ask.get("/readyz")
    assert asked == [1]


def test_a_container_counts_its_own_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(health, "CGROUP", tmp_path)
    assert health._groups_memory() is None
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("900\n")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 300\n")
    assert health._groups_memory() == 400
    assert "only 0 MB free" in health._memory()
    (tmp_path / "memory.max").write_text("max\n")
    assert health._groups_memory() is None


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ({"REMOTE_ADDR": "127.0.0.1"}, True),
        ({"REMOTE_ADDR": "::1"}, True),
        ({"REMOTE_ADDR": "10.0.0.7"}, False),
        ({"REMOTE_ADDR": ""}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "8.8.8.8"}, False),
        ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=8.8.8.8"}, False),
    ],
)
def test_without_a_token_only_who_is_beside_sees_words(ask, who, sees):
    assert ("no worker for" in ask.get("/readyz", **who).json()["workers"]) == sees


def test_with_a_token_only_who_sends_it_sees_words(ask, settings):
    settings.METRICS_TOKEN = "t0ken"
    assert ask.get("/readyz").json()["workers"] == "not ok"
    assert ask.get("/readyz", headers={"Authorization": "Bearer wrong"}).json()["workers"] == "not ok"
    assert ask.get("/readyz", headers={"Authorization": "Bearer t0ken"}).json()["workers"] != "not ok"


def test_behind_a_proxy_everybody_comes_from_this_machine_and_sees_nothing(ask, settings):
    settings.HTTPS = True
    assert ask.get("/readyz").json()["workers"] == "not ok"


@pytest.mark.django_db(transaction=True)
def test_the_operator_sees_words_and_others_do_not(operator, alice, ask, settings):
    settings.METRICS_TOKEN = "t0ken"
    for person, sees in ((alice, False), (operator, True)):
        ask.force_login(person, backend=settings.AUTHENTICATION_BACKENDS[0])
        assert ("no worker for" in ask.get("/readyz").json()["workers"]) == sees


@pytest.mark.django_db(transaction=True)
def test_who_asks_with_a_session_while_the_database_is_away_gets_an_answer(operator, ask, settings, monkeypatch):
    settings.METRICS_TOKEN = "t0ken"
    ask.force_login(operator, backend=settings.AUTHENTICATION_BACKENDS[0])

    def away(*args):
        raise DatabaseError("away")

    monkeypatch.setattr("django.contrib.auth.middleware.get_user", away)
    assert ask.get("/readyz").status_code == 503
