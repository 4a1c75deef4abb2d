"""Headers of every answer: what a browser may run, show and tell, and what was uploaded in disguise."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from conftest import picture

SCRIPT = b"<html><script>alert(document.cookie)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def policy(response):
    parts = response["Content-Security-Policy"].split(";")
    return {name: words for name, *words in (part.split() for part in parts)}


@pytest.mark.parametrize("path", ["/", "/account/", "/datasets/", "/api/docs/", "/admin/", "/no/such/page"])
def test_pages_run_our_own_scripts_only_and_stand_in_no_frame(path, operator, page_as):
    response = page_as(operator).get(path)
    rules = policy(response)
    assert rules["script-src"] == ["'self'"]
    assert rules["default-src"] == ["'self'"]
    assert rules["object-src"] == rules["base-uri"] == rules["frame-ancestors"] == ["'none'"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["X-Frame-Options"] == "DENY"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Permissions-Policy"].startswith("camera=(self)")
    assert b"<script>" not in response.content
    assert b" onclick=" not in response.content


def test_answers_of_the_api_and_files_are_no_documents(alice, images, dataset, page_as):
    browser = page_as(alice)
    for path in ("/api/v1/datasets", reverse("datasets:image_file", args=[dataset.pk, images[0].pk]), "/healthz"):
        response = browser.get(path)
        assert response.status_code == 200
        rules = policy(response)
        assert rules["default-src"] == ["'none'"]
        assert "sandbox" in rules
        assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.jpg", "a.png"])
@pytest.mark.parametrize("body", [SCRIPT, SVG, picture(format="GIF")[:13] + SCRIPT])
def test_page_in_the_disguise_of_an_image_is_refused(name, body, alice, dataset, page_as):
    file = SimpleUploadedFile(name, body, content_type="image/jpeg")
    answer = page_as(alice).post(f"/api/v1/datasets/{dataset.pk}/images", {"files": file})
    assert dataset.images.count() == 0, answer.content


def test_image_with_a_page_behind_it_is_served_as_an_image(alice, dataset, page_as):
    """Polyglots are pictures to the checks: served as their own type, never to be sniffed, boxed in as a document."""
    browser = page_as(alice)
    file = SimpleUploadedFile("a.html", picture() + SCRIPT, content_type="text/html")
    browser.post(f"/api/v1/datasets/{dataset.pk}/images", {"files": file})
    image = dataset.images.get()
    response = browser.get(reverse("datasets:image_file", args=[dataset.pk, image.pk]))
    assert response["Content-Type"] == "image/png"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in policy(response)


def test_other_origins_read_nothing_unless_the_setting_says_so(alice, page_as, settings):
    origin = "https://app.example.org"
    browser = page_as(alice)
    assert "Access-Control-Allow-Origin" not in browser.get("/api/v1/datasets", HTTP_ORIGIN=origin)
    settings.CORS_ALLOWED_ORIGINS = [origin]
    answer = browser.get("/api/v1/datasets", HTTP_ORIGIN=origin)
    assert answer["Access-Control-Allow-Origin"] == origin
    assert "Access-Control-Allow-Credentials" not in answer
    assert "Access-Control-Allow-Origin" not in browser.get("/account/", HTTP_ORIGIN=origin)
    assert "Access-Control-Allow-Origin" not in browser.get("/api/v1/datasets", HTTP_ORIGIN="https://evil.example")


def test_https_sends_plain_callers_on_and_lets_machines_ask_for_health(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/").headers["Location"].startswith("https://")
    assert client.get("/healthz").status_code == 200
