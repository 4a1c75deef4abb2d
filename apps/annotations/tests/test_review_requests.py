"""Asking for a review: who may, and who is told."""

import json

import pytest

from apps.core.models import Delivery
from apps.core.webhooks import services as webhooks
from apps.datasets.models import Dataset, DatasetImage
from conftest import make_team, member


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


@pytest.fixture
def teams_dataset(ready_dataset, bob):
    """The dataset, which alice made, given to a team in which she only looks on."""
    team = make_team(bob)
    Dataset.objects.update(team=team)
    team.memberships.create(user=ready_dataset.owner, role="viewer")
    ready_dataset.refresh_from_db()
    return ready_dataset


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("labeller", True), ("reviewer", True), ("admin", True)])
def test_who_may_label_may_ask(teams_dataset, api_as, page_as, role, may):
    user, pk = member(teams_dataset.team, role), teams_dataset.pk
    assert api_as(user).post(f"/api/v1/datasets/{pk}/review-requests").status_code == (200 if may else 403)
    assert page_as(user).post(f"/datasets/{pk}/review-ask").status_code == (302 if may else 403)


def test_those_who_can_answer_are_told(teams_dataset, api_as, hook):
    team = teams_dataset.team
    people = {role: member(team, role) for role in ("viewer", "labeller", "reviewer", "admin")}
    for name, user in people.items():
        webhooks.create_webhook(user, "https://example.org/", ["review.asked"], name)
    gone = member(team, "reviewer", "gone")
    webhooks.create_webhook(gone, "https://example.org/", ["review.asked"], "gone")
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)
    webhooks.create_webhook(
        team.memberships.get(role="owner").user, "https://example.org/", ["review.asked"], "team's", team
    )
    api_as(people["labeller"]).post(f"/api/v1/datasets/{teams_dataset.pk}/review-requests")
    told = set(Delivery.objects.values_list("webhook__description", flat=True))
    assert told == {"reviewer", "admin", "team's"}  # and not alice, who made it and may not review
