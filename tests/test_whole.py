"""Rules that hold for the whole platform."""

import subprocess
import sys

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

WEB_PROCESS = """
import django, sys
django.setup()
from django.urls import get_resolver
from yolotrainer.wsgi import application
get_resolver().url_patterns
heavy = [name for name in ("torch", "ultralytics", "torchvision", "openvino", "cv2") if name in sys.modules]
print("loaded:", heavy)
"""


def test_the_web_process_imports_neither_torch_nor_ultralytics_nor_a_runtime():
    import os

    env = os.environ | {"DJANGO_SETTINGS_MODULE": "yolotrainer.settings"}
    ran = subprocess.run([sys.executable, "-c", WEB_PROCESS], env=env, capture_output=True, text=True, timeout=120)
    assert ran.stdout.strip() == "loaded: []", ran.stderr


@pytest.mark.parametrize("model", [m for m in apps.get_models() if m.__module__.startswith("apps.")], ids=str)
def test_every_table_is_in_the_admin_searchable_and_with_filters(model, client, operator):
    desk = admin.site._registry[model]
    assert desk.search_fields
    assert len(desk.list_display) > 1
    client.force_login(operator, backend="apps.accounts.backends.UsernameOrEmailBackend")
    meta = model._meta
    page = client.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"), {"q": "x"})
    assert page.status_code == 200


@pytest.mark.django_db
def test_the_schema_names_every_call_of_the_api_and_needs_nothing_from_elsewhere(client):
    schema = client.get("/api/v1/schema/?format=json").content.decode()
    for path in ("auth/login", "datasets", "training", "models", "predictions/infer", "jobs"):
        assert f"/api/v1/{path}" in schema
    page = client.get("/api/docs/").content.decode()
    assert "swagger" in page
    assert "https://" not in page


@pytest.mark.django_db
def test_an_unknown_call_is_404_in_the_apis_own_form(client, api_as, alice):
    answer = api_as(alice).post("/api/v1/nothing/here")
    assert (answer.status_code, list(answer.json())) == (404, ["detail"])


@pytest.mark.django_db
def test_error_pages_are_the_platforms_own(client):
    page = client.get("/nothing/here")
    assert page.status_code == 404
    assert b"There is nothing here" in page.content
