"""The sample dataset: pure, quick, the same every time, and labelled right."""

import io
import itertools
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from apps.datasets.sample import SAMPLE_CLASSES, SAMPLE_SETTINGS, SAMPLE_SPLITS, SIZE, generate_sample


@pytest.fixture(scope="module")
def images():
    return list(generate_sample())


def test_all_images_are_made_within_seconds():
    began = time.process_time()  # not the wall: other tests may share the cores
    assert sum(1 for _ in generate_sample()) == sum(SAMPLE_SPLITS.values())
    assert time.process_time() - began < 6


def test_same_seed_gives_the_same_bytes(images):
    assert list(itertools.islice(generate_sample(), 5)) == images[:5]


def test_another_seed_gives_other_images(images):
    assert next(generate_sample(seed=8)).data != images[0].data


def test_no_two_images_or_names_are_alike(images):
    assert len({image.data for image in images}) == len(images)
    assert len({image.filename for image in images}) == len(images)


def test_splits_are_as_announced(images):
    assert Counter(image.split for image in images) == SAMPLE_SPLITS


def test_every_image_is_a_jpeg_of_the_stated_size(images):
    for image in images:
        with Image.open(io.BytesIO(image.data)) as picture:
            assert (picture.format, picture.size) == ("JPEG", (SIZE, SIZE))


def test_every_split_shows_every_class(images):
    for split in SAMPLE_SPLITS:
        shown = {name for image in images if image.split == split for name, *_ in image.boxes}
        assert shown == set(SAMPLE_CLASSES)


def test_classes_are_about_equally_frequent(images):
    counts = Counter(name for image in images for name, *_ in image.boxes)
    assert max(counts.values()) < 1.4 * min(counts.values())


def test_boxes_lie_inside_the_image_and_have_a_size_worth_learning(images):
    for _, x, y, width, height in itertools.chain.from_iterable(image.boxes for image in images):
        assert width / 2 <= x <= 1 - width / 2
        assert height / 2 <= y <= 1 - height / 2
        assert min(width, height) > 0.1


def test_some_shapes_overlap(images):
    def touch(a, b):
        return all(abs(a[i] - b[i]) < (a[i + 2] + b[i + 2]) / 2 for i in (1, 2))

    overlapping = [image for image in images if any(touch(*pair) for pair in itertools.combinations(image.boxes, 2))]
    assert len(overlapping) > len(images) / 4


def test_boxes_are_tight_around_a_lone_shape(images):
    """Where a shape touches no other, the pixels just outside its box are background, those along its edge are not."""
    image = next(image for image in images if len(image.boxes) == 2 and image.boxes[0][0] == "square")
    pixels = np.asarray(Image.open(io.BytesIO(image.data)), np.float32)
    _, x, y, width, _ = image.boxes[0]
    left, right, middle = (round(value * SIZE) for value in (x - width / 2, x + width / 2, y))
    outside, inside = pixels[middle, left - 4], pixels[middle, left + 6]
    assert right - left > 10
    assert np.abs(outside - inside).max() > 30


def test_settings_name_a_model_that_needs_no_download():
    assert SAMPLE_SETTINGS["model"].endswith(".yaml")
    assert {"epochs", "batch", "imgsz", "lr0", "optimizer", "patience"} <= set(SAMPLE_SETTINGS)
