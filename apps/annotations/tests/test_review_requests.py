"""Asking for a review: who may, and who is told."""

import json

import pytest

from apps.core.models import Delivery
from apps.core.webhooks import services as webhooks
from apps.datasets.models import DatasetImage


@pytest.fixture
def hook(alice):
    return webhooks.create_webhook(alice, "https://example.org/", ["review.asked"])


def test_webhooks_are_told_how_many_images_wait(ready_dataset, alice, api_as, hook):
    address = f"/api/v1/datasets/{ready_dataset.pk}/review-requests"
    first = ready_dataset.images.order_by("pk").first()
    DatasetImage.objects.filter(pk=first.pk).update(state=DatasetImage.State.REVIEWED)
    answer = api_as(alice).post(address, {"note": "before Friday"})
    assert (answer.status_code, answer.data["images"]) == (200, 5)
    told = json.loads(Delivery.objects.get().body)["data"]
    assert (told["images"], told["note"], told["by"]) == (5, "before Friday", "alice")
    ready_dataset.images.update(state=DatasetImage.State.REVIEWED)
    assert "No image waits" in api_as(alice).post(address).data["detail"]
    assert api_as(alice).post(address, {"note": "x" * 501}).status_code == 400


def test_the_button_asks_and_says_so(ready_dataset, alice, page_as, hook):
    page = page_as(alice)
    said = page.post(f"/datasets/{ready_dataset.pk}/review-ask", {"note": "please"}, follow=True).content.decode()
    assert "6 images wait" in said
    ready_dataset.images.update(state=DatasetImage.State.REVIEWED)
    said = page.post(f"/datasets/{ready_dataset.pk}/review-ask", follow=True).content.decode()
    assert "No image waits" in said
    assert Delivery.objects.count() == 1


def test_readers_and_outsiders_do_not_ask(ready_dataset, bob, carol, api_as, page_as, hook):
    address, page = f"/api/v1/datasets/{ready_dataset.pk}/review-requests", f"/datasets/{ready_dataset.pk}/review-ask"
    assert (api_as(carol).post(address).status_code, page_as(carol).post(page).status_code) == (404, 404)
    type(ready_dataset).objects.update(is_public=True)
    assert "review-ask" not in page_as(bob).get(f"/datasets/{ready_dataset.pk}/labelling-progress").content.decode()
    assert (api_as(bob).post(address).status_code, page_as(bob).post(page).status_code) == (403, 403)
    assert (api_as().post(address).status_code, page_as().post(page).status_code) == (401, 302)
    assert not Delivery.objects.exists()
