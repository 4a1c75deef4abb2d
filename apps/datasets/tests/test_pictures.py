"""Pictures as they are served: right type, cached by the one browser, nothing that runs."""

import pytest
from django.core.files.storage import default_storage

from apps.datasets import services
from conftest import upload


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
    for address in (row["url"], row["thumbnail_url"]):
        assert api_as(dataset.owner).get(address).status_code == 200


def test_picture_whose_file_is_missing_answers_404(dataset, images, page_as):
    default_storage.delete(images[0].file.name)
    assert page_as(dataset.owner).get(f"/datasets/{dataset.pk}/images/{images[0].pk}/file").status_code == 404
