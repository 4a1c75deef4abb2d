"""Health: alive, and ready or why not."""

import pytest
from django.core.cache import cache, caches

from apps.core import health


def test_healthz_is_ok_without_a_database(client):
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


@pytest.fixture
def workers(monkeypatch):
    """A worker on every queue; the tests of the whole platform ask real ones."""
    monkeypatch.setattr(health, "_missing_workers", lambda: "")


@pytest.mark.django_db
def test_readyz_says_ok_of_every_part(client, workers):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert set(response.json().values()) == {"ok"}
    assert {"database", "redis", "storage", "disk", "memory", "workers", "models"} == set(response.json())


@pytest.mark.django_db
def test_readyz_names_the_queue_where_valkey_is_away(client, settings, tmp_path):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": f"unix://{tmp_path}/nobody.sock?db=1",
        }
    }
    response = client.get("/readyz")
    caches["default"].close()
    assert response.status_code == 503
    assert "ConnectionError" in response.json()["redis"]
    assert response.json()["database"] == "ok"


@pytest.mark.django_db
def test_readyz_names_a_disk_that_is_nearly_full(client, monkeypatch):
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 2**80)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "MB free" in response.json()["disk"]


@pytest.mark.django_db
def test_readyz_names_the_queues_that_no_worker_serves(client):
    cache.delete("readyz-workers")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["workers"] == "no worker for: default, inference, training"


@pytest.mark.django_db
def test_readyz_names_a_deployed_model_whose_files_are_gone(client, workers, trained_model):
    type(trained_model).objects.update(is_deployed=True, serving_file="models/gone.tar")
    assert "Cells v1" in client.get("/readyz").json()["models"]
