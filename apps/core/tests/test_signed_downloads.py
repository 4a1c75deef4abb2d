"""Downloads that the store answers itself: signed addresses, after the rights were checked here."""

from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import RequestFactory

from apps.core.downloads import download
from apps.core.models import Job

pytestmark = pytest.mark.django_db
EVIL = 'a";\r\nb.html'


@pytest.fixture
def made(alice):
    """A job of alice's with a file."""
    job = Job.objects.create(owner=alice, kind="export", task="none", status="completed")
    job.file.save("out.zip", ContentFile(b"0123456789"))
    return job


class Elsewhere:
    """A store that is not this machine's disk."""

    def path(self, name):
        raise NotImplementedError

    def url(self, name, parameters, expire):
        self.asked = name, parameters, expire
        return "https://store.example.org/signed"


def test_a_download_leads_to_the_store_as_an_attachment_of_no_type(settings):
    settings.S3_SIGNED_SECONDS = 300
    field = SimpleNamespace(name="jobs/out/1.zip", storage=Elsewhere())
    answer = download(RequestFactory().get("/"), field, EVIL, "1")
    name, shown, seconds = field.storage.asked
    assert (answer.status_code, answer["Location"]) == (302, "https://store.example.org/signed")
    assert (name, seconds) == ("jobs/out/1.zip", 300)
    assert shown["ResponseContentType"] == "application/octet-stream"
    assert shown["ResponseContentDisposition"].startswith("attachment; filename")
    assert "\n" not in shown["ResponseContentDisposition"]


def test_files_of_this_disk_are_sent_from_here(settings, made, api_as, alice):
    if hasattr(default_storage, "bucket_name"):
        pytest.skip("the store is S3")
    settings.S3_SIGNED_SECONDS = 300
    answer = api_as(alice).get(f"/api/v1/jobs/{made.pk}/file")
    assert b"".join(answer.streaming_content) == b"0123456789"


def test_s3_answers_what_was_signed_and_nothing_else(settings, made, api_as, alice, carol):
    if not hasattr(default_storage, "bucket_name"):
        pytest.skip("needs an S3 store: make test-real")
    settings.S3_SIGNED_SECONDS = 300
    assert api_as(carol).get(f"/api/v1/jobs/{made.pk}/file").status_code == 404
    answer = api_as(alice).get(f"/api/v1/jobs/{made.pk}/file")
    address = urlsplit(answer["Location"])
    assert parse_qs(address.query)["X-Amz-Expires"] == ["300"]
    got = requests.get(answer["Location"], headers={"Range": "bytes=2-4"}, timeout=30)
    assert (got.status_code, got.content) == (206, b"234")
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert requests.get(f"{address.scheme}://{address.netloc}{address.path}", timeout=30).status_code == 403
