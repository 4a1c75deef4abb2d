"""An archive that the platform fetches itself: from the page to the plan of the import."""

import ipaddress

import pytest

from apps.annotations.tasks import inspect_archive
from apps.core import fetching, uploads
from apps.core.models import Job
from apps.core.tests.giver import giving

from .archives import packed, yolo


@pytest.fixture
def loopback(settings):
    settings.OUTGOING_PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.1/32")]


def archive():
    return packed(yolo()).read()


def test_an_address_is_fetched_looked_into_and_imported(page_as, alice, dataset, loopback):
    browser = page_as(alice)
    page = browser.get(f"/datasets/{dataset.pk}/transfer").content.decode()
    assert "From an address" in page
    with giving({"/cells.zip": (200, {}, archive())}) as server:
        answer = browser.post(f"/datasets/{dataset.pk}/import", {"url": f"{server.url}/cells.zip?key=hush"})
        waiting = browser.get(answer["Location"]).content.decode()
        assert f"{server.url}/cells.zip" in waiting
        assert "hush" not in waiting
        inspect_archive(Job.objects.get().pk)
    job = Job.objects.get()
    assert (job.status, job.error_message, job.params["filename"]) == ("completed", "", "cells.zip")
    assert "url" not in job.params
    assert uploads.waiting_bytes(alice) == len(archive())  # until it is imported, as what people send themselves
    plan = browser.get(answer["Location"])
    assert plan.status_code == 200
    assert "Import: cells.zip" in plan.content.decode()
    again = browser.post(f"/datasets/{dataset.pk}/import/{job.pk}/again", {"format": "yolo"})
    assert Job.objects.get(pk=again["Location"].split("/")[-1]).upload.name == job.upload.name


def test_an_inspection_that_was_killed_after_the_fetching_does_not_fetch_again(page_as, alice, dataset, loopback):
    with giving({"/cells.zip": (200, {}, archive())}) as server:
        page_as(alice).post(f"/datasets/{dataset.pk}/import", {"url": f"{server.url}/cells.zip"})
        inspect_archive(Job.objects.get().pk)
        Job.objects.update(status="pending")
        inspect_archive(Job.objects.get().pk)
    assert (Job.objects.get().status, len(server.asked)) == ("completed", 1)


def test_an_address_inside_is_refused_on_the_page(page_as, alice):
    answer = page_as(alice).post("/datasets/import", {"url": "http://169.254.169.254/latest/meta-data"})
    assert answer.status_code == 400
    assert "private or local" in answer.content.decode()
    assert "details" in answer.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("url", ["", "   "])
def test_no_address_is_said_so(url, page_as, alice):
    assert "Give the address" in page_as(alice).post("/datasets/import", {"url": url}).content.decode()


def test_what_could_not_be_fetched_says_why_and_offers_another_try(page_as, alice, loopback):
    browser = page_as(alice)
    with giving({"/cells.zip": (404, {}, b"")}) as server:
        place = browser.post("/datasets/import", {"url": f"{server.url}/cells.zip"})["Location"]
        inspect_archive(Job.objects.get().pk)
    page = browser.get(place).content.decode()
    assert "It answered 404" in page
    assert "Look again" not in page
    assert browser.post(f"{place}/again", {"format": "yolo"})["Location"] == "/datasets/import"
    assert Job.objects.count() == 1


def test_who_may_not_bring_images_in_has_nothing_fetched(page_as, bob, carol, dataset):
    for who in (bob, carol):
        answer = page_as(who).post(f"/datasets/{dataset.pk}/import", {"url": "https://example.org/a.zip"})
        assert answer.status_code in (403, 404)
    assert not Job.objects.exists()


def test_too_many_at_once_are_refused_on_the_page(page_as, alice):
    for _ in range(fetching.MOST_AT_ONCE):
        fetching.start_fetch(alice, "https://example.org/a.zip")
    page = page_as(alice).post("/datasets/import", {"url": "https://example.org/a.zip"}).content.decode()
    assert "are being fetched" in page
