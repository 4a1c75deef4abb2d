"""Every image has a signature: from its check, or, where it came in before, from its thumbnail."""

import numpy as np
from django.core.files.storage import default_storage

from apps.datasets import services
from apps.datasets.models import DatasetImage
from apps.datasets.services import signatures
from apps.datasets.services.signatures import fill_signatures
from conftest import upload


def test_an_upload_keeps_what_the_check_found(dataset):
    image = services.add_images(dataset, [upload(seed=5)])["created"][0]
    image.refresh_from_db()
    assert (len(image.signature), image.brightness, image.taken_at, image.camera) == (16, 127, None, "")


def test_missing_signatures_are_taken_from_the_thumbnails(dataset, images, monkeypatch):
    monkeypatch.setattr(signatures, "PAGE", 2)
    before = {image.pk: bytes(image.signature) for image in images}
    DatasetImage.objects.filter(dataset=dataset).exclude(pk=images[5].pk).update(signature=None, brightness=None)
    said = []
    assert fill_signatures(dataset, said.append) == 5
    for image in dataset.images.all():
        apart = np.frombuffer(image.signature, np.uint8) ^ np.frombuffer(before[image.pk], np.uint8)
        assert np.bitwise_count(apart).sum() <= 6
        assert image.brightness in (127, 128)
    assert said[-1] == 1
    assert fill_signatures(dataset) == 0


def test_a_missing_or_broken_thumbnail_stops_nothing(dataset, images):
    DatasetImage.objects.filter(dataset=dataset).update(signature=None)
    default_storage.delete(images[0].thumbnail.name)
    with default_storage.open(images[1].thumbnail.name, "wb") as file:
        file.write(b"no picture")
    assert fill_signatures(dataset) == 4
    assert set(dataset.images.filter(signature=None)) == set(images[:2])
