"""Pictures as they are served: right type, cached by the one browser, nothing that runs."""

import time

import pytest
import requests
from django.core.files.storage import default_storage

from apps.datasets import services
from conftest import picture, upload


@pytest.mark.parametrize(
    ("format", "served"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp"), ("BMP", "image/bmp"), ("TIFF", "image/png")],
)
def test_type_comes_from_the_content_and_never_from_the_name(format, served, dataset, page_as):
    image = services.add_images(dataset, [upload("page.html", format=format)])["created"][0]
    path = f"/datasets/{dataset.pk}/images/{image.pk}"
    file, thumbnail = page_as(dataset.owner).get(f"{path}/file"), page_as(dataset.owner).get(f"{path}/thumbnail")
    assert (file["Content-Type"], thumbnail["Content-Type"]) == (served, "image/jpeg")
    for response in (file, thumbnail):
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"].startswith("default-src 'none'")


def test_pictures_are_kept_by_the_browser_and_by_no_proxy(dataset, images, page_as):
    for name in ("file", "thumbnail"):
        response = page_as(dataset.owner).get(f"/datasets/{dataset.pk}/images/{images[0].pk}/{name}")
        caching = {part.strip() for part in response["Cache-Control"].split(",")}
        assert caching == {"private", "immutable", "max-age=31536000"}
        assert images[0].sha256 in response["ETag"]


def test_addresses_in_the_api_lead_to_the_pictures(dataset, images, api_as):
    row = api_as(dataset.owner).get(f"/api/v1/datasets/{dataset.pk}/images/{images[0].pk}").json()
    for address in (row["url"], row["thumbnail_url"], row["original_url"]):
        assert api_as(dataset.owner).get(address).status_code == 200


def test_picture_whose_file_is_missing_answers_404(dataset, images, page_as):
    default_storage.delete(images[0].file.name)
    assert page_as(dataset.owner).get(f"/datasets/{dataset.pk}/images/{images[0].pk}/file").status_code == 404


def test_an_original_is_a_download_of_the_bytes_as_they_came(dataset, api_as, carol):
    data = picture(format="TIFF")
    image = services.add_images(dataset, [upload("cell 1.tif", data)])["created"][0]
    path = f"/datasets/{dataset.pk}/images/{image.pk}/original"
    got = api_as(dataset.owner).get(path)
    assert b"".join(got.streaming_content) == data
    assert got["Content-Disposition"] == 'attachment; filename="cell 1.tif"'
    part = api_as(dataset.owner).get(path, HTTP_RANGE="bytes=2-5")
    assert (part.status_code, b"".join(part.streaming_content)) == (206, data[2:6])
    assert api_as(carol).get(path).status_code == 404
    default_storage.delete(image.file.name)
    assert api_as(dataset.owner).get(path).status_code == 404


def test_an_original_comes_from_the_store_after_the_rights_were_checked(settings, dataset, api_as, carol):
    if not hasattr(default_storage, "bucket_name"):
        pytest.skip("needs an S3 store: make test-real")
    settings.S3_SIGNED_SECONDS = 300
    data = picture(format="TIFF")
    image = services.add_images(dataset, [upload("cell 1.tif", data)])["created"][0]
    path = f"/datasets/{dataset.pk}/images/{image.pk}/original"
    assert api_as(carol).get(path).status_code == 404
    answer = api_as(dataset.owner).get(path)
    assert answer.status_code == 302
    got = requests.get(answer["Location"], timeout=30)
    assert (got.content, got.headers["Content-Type"]) == (data, "application/octet-stream")
    assert got.headers["Content-Disposition"] == 'attachment; filename="cell 1.tif"'
    assert requests.get(answer["Location"].replace("/images/", "/thumbs/"), timeout=30).status_code == 403
    settings.S3_SIGNED_SECONDS = 1
    old = api_as(dataset.owner).get(path)["Location"]
    time.sleep(2.5)
    assert requests.get(old, timeout=30).status_code == 403


def test_a_page_that_reads_pixels_is_led_to_the_store_where_that_signs(settings, dataset, images, page_as, carol):
    path = f"/datasets/{dataset.pk}/images/{images[0].pk}/file?from=store"
    here = page_as(dataset.owner).get(path)
    assert b"".join(here.streaming_content)[1:4] == b"PNG"
    if not hasattr(default_storage, "bucket_name"):
        pytest.skip("needs an S3 store: make test-real")
    settings.S3_SIGNED_SECONDS = 300
    assert page_as(carol).get(path).status_code == 404
    answer = page_as(dataset.owner).get(path)
    assert answer.status_code == 302
    assert {part.strip() for part in answer["Cache-Control"].split(",")} == {"private", "max-age=150"}
    got = requests.get(answer["Location"], timeout=30)
    assert (got.content, got.headers["Content-Type"]) == (images[0].file.read(), "image/png")
    assert "immutable" in got.headers["Cache-Control"]
    assert page_as(dataset.owner).get(path.removesuffix("?from=store")).status_code == 200
