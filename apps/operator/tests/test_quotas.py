import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from apps.accounts.teams.services import create_team
from apps.core import quotas
from apps.core.models import AuditEvent, Job, Quota, Upload
from apps.datasets.models import DatasetImage
from apps.datasets.services import add_images
from apps.models.services import UploadRefused, start_upload
from conftest import upload as png

MB = 2**20
QUOTAS = "/admin/core/quota/"


def forget(owner_id=None, team_id=None):
    """Have what is used summed anew next time."""
    cache.delete(quotas._key(owner_id, team_id))


@pytest.fixture(autouse=True)
def fresh(db, alice):
    forget(alice.pk)


def fill(dataset, size, name="a"):
    DatasetImage.objects.create(dataset=dataset, filename=name, sha256=name, num_bytes=size, width=1, height=1)
    forget(dataset.owner_id)
    if dataset.team_id:
        forget(team_id=dataset.team_id)


def upload(api, dataset, **more):
    return api.post(f"/api/v1/datasets/{dataset.pk}/images", {"files": [png(**more)]}, format="multipart")


def test_images_that_do_not_fit_are_refused_in_words(settings, api_as, alice, dataset):
    settings.STORAGE_MB_PER_PERSON = 1
    fill(dataset, MB - 10)
    answer = upload(api_as(alice), dataset)
    assert answer.status_code == 413
    assert "You have 1024.0 KB of 1.0 MB: delete" in answer.json()["detail"]
    assert DatasetImage.objects.count() == 1


def test_images_that_fit_come_in_and_the_others_say_why(settings, alice, dataset):
    settings.STORAGE_MB_PER_PERSON = 1
    small, large = png(name="small.png"), png(name="large.png", color=(1, 2, 3))
    fill(dataset, MB - small.size)
    found = add_images(dataset, [small, large])
    assert [image.filename for image in found["created"]] == ["small.png"]
    assert "You have 1.0 MB of 1.0 MB" in found["rejected"][0]["reason"]


def test_the_same_image_again_needs_no_room(settings, alice, dataset):
    image = png()
    add_images(dataset, [image])
    image.seek(0)
    Quota.objects.create(person=alice, storage_mb=1)
    fill(dataset, MB)
    assert len(add_images(dataset, [image])["duplicates"]) == 1


def test_quota_of_one_person_stands_above_the_setting(settings, api_as, alice, dataset):
    settings.STORAGE_MB_PER_PERSON = 1
    fill(dataset, MB)
    quota = Quota.objects.create(person=alice, storage_mb=0)
    assert upload(api_as(alice), dataset).status_code == 201
    Quota.objects.filter(pk=quota.pk).update(storage_mb=1)
    assert upload(api_as(alice), dataset, color=(9, 9, 9)).status_code == 413


def test_what_is_a_teams_counts_in_the_teams_quota_alone(settings, api_as, alice, dataset):
    settings.STORAGE_MB_PER_PERSON = 1
    fill(dataset, 2 * MB)
    dataset.team = create_team(alice, "Roads")
    dataset.save()
    forget(team_id=dataset.team_id)
    assert upload(api_as(alice), dataset).status_code == 201
    Quota.objects.create(team=dataset.team, storage_mb=1)
    answer = upload(api_as(alice), dataset, color=(9, 9, 9))
    assert answer.status_code == 413
    assert "The team has 2.0 MB of 1.0 MB" in answer.json()["detail"]


def announce(api, size):
    headers = {"HTTP_TUS_RESUMABLE": "1.0.0", "HTTP_UPLOAD_LENGTH": str(size)}
    return api.post("/api/v1/uploads", content_type="application/offset+octet-stream", **headers)


def test_archive_is_announced_only_where_it_fits_with_the_person_or_a_team(settings, api_as, alice):
    settings.STORAGE_MB_PER_PERSON = 1
    answer = announce(api_as(alice), 2 * MB)
    assert answer.status_code == 413
    assert "This takes 2.0 MB. You have 0 bytes of 1.0 MB" in answer.json()["detail"]
    forget(team_id=create_team(alice, "Roads").pk)
    alice = type(alice).objects.get(pk=alice.pk)
    assert announce(api_as(alice), 2 * MB).status_code == 201


def send(api, announced, size):
    address = announced.headers["Location"]
    headers = {"HTTP_TUS_RESUMABLE": "1.0.0", "HTTP_UPLOAD_OFFSET": "0"}
    return api.generic("PATCH", address, b"x" * size, content_type="application/offset+octet-stream", **headers)


def test_archives_that_wait_for_somebody_to_import_them_take_room(settings, api_as, alice, tmp_path):
    settings.STORAGE_MB_PER_PERSON = 1
    settings.MEDIA_ROOT, settings.UPLOAD_DIR = tmp_path / "media", tmp_path
    api, half = api_as(alice), MB // 2
    assert send(api, announce(api, half), half).status_code == 204  # it is here, whole
    assert announce(api, half).status_code == 201  # nothing of it came yet
    answer = announce(api, half)
    assert answer.status_code == 413
    assert (
        "Uploads that are not imported yet count, too: 1.0 MB; they go by themselves in 72 hours."
        in (answer.json()["detail"])
    )
    complete = Upload.objects.exclude(file="").get()
    job = Job.objects.create(owner=alice, kind="inspect", status="completed", upload=complete.file.name)
    assert announce(api, half).status_code == 413  # looked at, and nothing was made of it
    Job.objects.filter(pk=job.pk).update(kind="import")
    assert announce(api, half).status_code == 201  # its images count by themselves now


def test_what_others_upload_takes_no_room_of_mine(settings, api_as, alice, bob):
    settings.STORAGE_MB_PER_PERSON = 1
    assert announce(api_as(bob), MB).status_code == 201
    assert announce(api_as(alice), MB).status_code == 201


def test_weights_that_do_not_fit_are_refused(settings, alice, dataset):
    settings.STORAGE_MB_PER_PERSON = 1
    fill(dataset, MB)
    with pytest.raises(UploadRefused, match=r"of 1\.0 MB"):
        start_upload(alice, SimpleUploadedFile("a.pt", b"x" * 100), filename="a.pt")


def test_account_and_team_pages_show_a_bar(settings, page_as, alice, dataset):
    settings.STORAGE_MB_PER_PERSON = 2
    fill(dataset, MB)
    text = page_as(alice).get("/account/").text.replace("\xa0", " ")
    assert "1.0 MB of 2.0 MB" in text
    assert 'aria-valuenow="50"' in text
    dataset.team = create_team(alice, "Roads")
    dataset.save()
    forget(team_id=dataset.team_id)
    Quota.objects.create(team=dataset.team, storage_mb=4)
    assert 'aria-valuenow="25"' in page_as(alice).get(dataset.team.get_absolute_url()).text


def test_operator_sets_a_quota_and_it_is_written_down(page_as, operator, alice):
    browser = page_as(operator)
    assert browser.post(f"{QUOTAS}add/", {"person": alice.pk, "storage_mb": 5}).status_code == 302
    assert quotas.most_bytes(alice.pk) == 5 * MB
    event = AuditEvent.objects.get(verb="quota set")
    assert (event.subject_name, event.detail["storage_mb"]) == ("alice", 5)
    assert "Choose a person or a team" in browser.post(f"{QUOTAS}add/", {"storage_mb": 5}).text


def test_quota_is_a_persons_or_a_teams(alice):
    with pytest.raises(IntegrityError), transaction.atomic():
        Quota.objects.create(storage_mb=5)
