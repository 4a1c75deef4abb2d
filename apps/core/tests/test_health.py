"""Health: alive, and ready or why not."""

import pytest
from django.core.cache import caches

from apps.core import views


def test_healthz_is_ok_without_a_database(client):
    response = client.get("/healthz")
    assert (response.status_code, response.content) == (200, b"ok")


@pytest.mark.django_db
def test_readyz_says_ok_of_every_part(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert set(response.json().values()) == {"ok"}
    assert {"database", "redis", "storage", "disk"} <= set(response.json())


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
    monkeypatch.setattr(views, "LEAST_FREE_BYTES", 2**80)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "MB free" in response.json()["disk"]
