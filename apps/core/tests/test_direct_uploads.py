"""Uploads whose bytes go straight to S3: what may come is signed, and put together as announced or not at all."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.core import direct_uploads, uploads
from apps.core import s3 as store
from apps.core.models import Upload
from conftest import stored_files

pytestmark = pytest.mark.django_db
MIB = 2**20
DATA = bytes(range(256)) * (6 * MIB // 256)  # a part of 5 MiB, which is the least that S3 takes, and one of 1 MiB
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}


@pytest.fixture
def s3(settings, monkeypatch):
    if not hasattr(default_storage, "bucket_name"):
        pytest.skip("needs an S3 store: make test-real")
    settings.S3_SIGNED_SECONDS = 300
    monkeypatch.setattr(direct_uploads, "PART", 5 * MIB)


@pytest.fixture
def api(api_as, alice):
    return api_as(alice)


@pytest.fixture
def url(s3, api):
    """The address of an upload that alice announced."""
    return announced(api)["Location"]


def announced(api):
    return api.post("/api/v1/uploads", content_type=None, **TUS, HTTP_UPLOAD_LENGTH=str(len(DATA)))


def addresses(api, url, *numbers):
    parts = api.post(f"{url}/parts", {"numbers": numbers or [1, 2]}).data["parts"]
    return {part["number"]: part["url"] for part in parts}


def put(address, data):
    return requests.put(address, data, timeout=60).status_code


def send(api, url, *numbers):
    """Send parts of DATA; all without numbers."""
    for number, address in addresses(api, url, *numbers).items():
        assert put(address, DATA[(number - 1) * 5 * MIB : number * 5 * MIB]) == 200


def begun():
    """The ids of what the store awaits parts of."""
    found = store.client().list_multipart_uploads(Bucket=default_storage.bucket_name, Prefix=store.key("jobs/in/"))
    return [one["UploadId"] for one in found.get("Uploads", ())]


def test_parts_become_the_file_which_a_job_reads(s3, api, alice):
    answer = announced(api)
    assert (answer.data["part_size"], answer["Upload-Part-Size"]) == (5 * MIB, str(5 * MIB))
    url = answer["Location"]
    send(api, url)
    shown = api.get(f"{url}/parts").data
    assert (shown["part_size"], shown["number_of_parts"], shown["here"]) == (5 * MIB, 2, [1, 2])
    done = api.post(f"{url}/complete")
    assert (done.status_code, done.data["is_complete"], done.data["offset"]) == (200, True, len(DATA))
    name, _ = uploads.stored_upload(alice, url.split("/")[-1])
    with default_storage.open(name) as file:
        assert file.read() == DATA
    assert begun() == []
    assert api.post(f"{url}/complete").status_code == 200  # again, as after an answer that was lost
    assert api.get(f"{url}/parts").data["here"] == [1, 2]
    assert "All of it is here already" in str(api.post(f"{url}/parts", {"numbers": [1]}).data)


def test_it_goes_on_with_the_parts_that_are_missing(api, url):
    send(api, url, 1)
    assert api.get(url).data["offset"] == 5 * MIB
    early = api.post(f"{url}/complete")
    assert (early.status_code, f"{5 * MIB} of {len(DATA)} bytes are here" in early.data["detail"]) == (409, True)
    assert api.get(f"{url}/parts").data["here"] == [1]
    send(api, url, 2)
    assert int(api.head(url, **TUS)["Upload-Offset"]) == len(DATA)  # and so it is complete
    assert Upload.objects.get().is_complete


def test_the_store_takes_a_part_of_its_size_only(api, url):
    first, last = addresses(api, url).values()
    assert put(last, DATA[: 2 * MIB]) == 403
    assert put(last, DATA[:10]) == 403
    assert put(first, DATA[: 6 * MIB]) == 403
    assert api.get(f"{url}/parts").data["here"] == []


def test_an_address_is_good_for_its_part_and_upload_and_for_putting_only(api, url):
    (address,) = addresses(api, url, 1).values()
    asked = parse_qs(urlsplit(address).query)
    assert asked["X-Amz-Expires"] == ["300"]
    assert urlsplit(address).path.endswith(f"jobs/in/{Upload.objects.get().pk.hex}")
    assert put(address.replace("partNumber=1", "partNumber=2"), DATA[: 5 * MIB]) == 403
    assert put(address.replace("jobs/in/", "jobs/out/"), DATA[: 5 * MIB]) == 403
    assert requests.get(address, timeout=60).status_code == 403
    assert requests.delete(address, timeout=60).status_code == 403


@pytest.mark.parametrize("numbers", [[0], [3], [-1], ["x"], [], [10_001], list(range(1, 102)), None, "1"])
def test_parts_that_are_not_there_are_refused_in_words(api, url, numbers):
    answer = api.post(f"{url}/parts", {"numbers": numbers})
    assert (answer.status_code, list(answer.data)) == (400, ["numbers"])
    assert begun() == []


def test_pieces_do_not_come_here_once_parts_go_there_nor_the_other_way_round(api, url):
    headers = TUS | {"HTTP_UPLOAD_OFFSET": "0"}
    piece = "application/offset+octet-stream"
    addresses(api, url)
    assert api.generic("PATCH", url, DATA[:10], content_type=piece, **headers).status_code == 409
    other = announced(api)["Location"]
    assert api.generic("PATCH", other, DATA[:10], content_type=piece, **headers).status_code == 204
    assert api.post(f"{other}/parts", {"numbers": [1]}).status_code == 409
    assert "Upload-Part-Size" not in api.head(other, **TUS)
    assert len(begun()) == 1


def test_asking_for_addresses_does_not_keep_it_for_ever(api, url):
    Upload.objects.update(created_at=timezone.now() - timedelta(days=6, hours=23))
    addresses(api, url)
    assert Upload.objects.get().expires_at < timezone.now() + timedelta(hours=2)


def test_a_store_that_lists_nothing_stops_no_sweep(s3, api, url, monkeypatch):
    class Denying:
        def get_paginator(self, name):
            raise direct_uploads.ClientError({"Error": {"Code": "AccessDenied"}}, "ListMultipartUploads")

    monkeypatch.setattr(store, "client", Denying)
    assert direct_uploads.sweep(timezone.now()) == 0


def test_two_that_begin_at_once_have_one_upload_in_the_store(api, url):
    one, two = Upload.objects.get(), Upload.objects.get()
    uploads.addresses_of_parts(one, [1])
    with pytest.raises(uploads.UploadBusy):
        uploads.addresses_of_parts(two, [1])
    assert begun() == [Upload.objects.get().multipart]


def test_what_was_put_together_and_not_noted_is_found(api, url):
    send(api, url)
    upload = Upload.objects.get()
    direct_uploads.complete(upload, uploads.stored_name(upload))  # and killed there
    assert api.get(f"{url}/parts").data["here"] == [1, 2]
    assert api.post(f"{url}/complete").data["is_complete"]


def test_a_deleted_upload_takes_its_parts_along(api, url):
    (address, *_) = addresses(api, url).values()
    assert put(address, DATA[: 5 * MIB]) == 200
    assert api.delete(url, **TUS).status_code == 204
    assert begun() == []
    assert put(address, DATA[: 5 * MIB]) == 404
    assert not stored_files("jobs")


def test_what_the_store_forgot_is_gone_here_too(api, url):
    addresses(api, url)
    upload = Upload.objects.get()
    direct_uploads.abort(upload, uploads.stored_name(upload))
    assert api.post(f"{url}/complete").status_code == 410
    assert api.head(url, **TUS).status_code == 410


def test_the_sweep_aborts_what_is_past_its_time_and_what_no_row_knows(api, url):
    addresses(api, url)
    kept, lost = announced(api)["Location"], announced(api)["Location"]
    addresses(api, kept)
    addresses(api, lost)
    Upload.objects.filter(pk=url.split("/")[-1]).update(expires_at=timezone.now() - timedelta(hours=1))
    Upload.objects.filter(pk=lost.split("/")[-1]).delete()  # a kill between the row and the store
    assert uploads.sweep_uploads() == 1
    assert len(begun()) == 2  # of which one was begun today
    assert direct_uploads.sweep(timezone.now() + timedelta(hours=1)) == 1
    assert begun() == [Upload.objects.get(pk=kept.split("/")[-1]).multipart]


def test_an_outsider_gets_no_address_and_ends_nothing(api_as, url, carol, operator):
    for user in (carol, operator):
        assert api_as(user).post(f"{url}/parts", {"numbers": [1]}).status_code == 404
        assert api_as(user).get(f"{url}/parts").status_code == 404
        assert api_as(user).post(f"{url}/complete").status_code == 404
    assert begun() == []


def test_on_this_machines_disk_pieces_come_here(settings, api):
    if hasattr(default_storage, "bucket_name"):
        pytest.skip("the store is S3")
    settings.S3_SIGNED_SECONDS = 300
    answer = announced(api)
    assert answer.data["part_size"] is None
    for method, step in (("get", "parts"), ("post", "complete")):
        refused = getattr(api, method)(f"{answer['Location']}/{step}")
        assert (refused.status_code, "by tus" in refused.data["detail"]) == (409, True)
    assert api.post(f"{answer['Location']}/parts", {"numbers": [1]}).status_code == 409


def test_without_signed_addresses_pieces_come_here(settings, monkeypatch):
    monkeypatch.setattr(direct_uploads, "is_local", lambda storage: False)
    assert direct_uploads.part_size(Upload(size=5)) is None
    settings.S3_SIGNED_SECONDS = 300
    assert direct_uploads.part_size(Upload(size=5)) == direct_uploads.PART


@pytest.mark.parametrize(
    ("size", "count", "last"),
    [(1, 1, 1), (16 * MIB, 1, 16 * MIB), (16 * MIB + 1, 2, 1), (10**12, 9935, 10**12 - 9934 * 96 * MIB)],
)  # fmt: skip
def test_the_parts_are_as_many_as_s3_takes(settings, monkeypatch, size, count, last):
    settings.S3_SIGNED_SECONDS = 300
    monkeypatch.setattr(direct_uploads, "is_local", lambda storage: False)
    parts = direct_uploads.plan(Upload(size=size))
    assert (len(parts), parts[count], sum(parts.values())) == (count, last, size)
