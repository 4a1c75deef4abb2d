"""Signatures: copies of a picture stay close, other pictures are far."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from apps.core.images import check_image
from apps.core.signature import signature_and_brightness


def scene(seed, size=(640, 480)):
    """A picture of soft patches, another for each seed."""
    cells = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), np.uint8)
    return Image.fromarray(cells).resize(size, Image.Resampling.BICUBIC)


def jpeg(image, quality):
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return Image.open(io.BytesIO(out.getvalue()))


def distance(one, other):
    one, other = (np.frombuffer(signature_and_brightness(picture)[0], np.uint8) for picture in (one, other))
    return int(np.bitwise_count(one ^ other).sum())


COPIES = {
    "the same": lambda picture: picture.copy(),
    "poor JPEG": lambda picture: jpeg(picture, 30),
    "a quarter of the size": lambda picture: picture.resize((160, 120)),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.1),
    "less contrast": lambda picture: ImageEnhance.Contrast(picture).enhance(0.8),
    "gray": lambda picture: picture.convert("L"),
    "a hundredth cut off": lambda picture: picture.crop((6, 5, 634, 475)),
}


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_close(kind):
    for seed in range(8):
        assert distance(scene(seed), COPIES[kind](scene(seed))) <= 12


def test_other_pictures_turned_and_mirrored_ones_are_far():
    for seed in range(8):
        picture = scene(seed)
        mirrored = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        turned = picture.transpose(Image.Transpose.ROTATE_180)
        for other in (scene(seed + 100), mirrored, turned):
            assert distance(picture, other) > 30


@pytest.mark.parametrize(("color", "grey"), [("black", 0), ("white", 255), ((10, 20, 30), 18)])
def test_a_flat_picture_has_an_empty_signature_and_its_grey(color, grey):
    signature, brightness = signature_and_brightness(Image.new("RGB", (40, 30), color))
    assert (signature, brightness) == (bytes(16), grey)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (3, 2)])
def test_the_smallest_pictures_have_signatures_too(size):
    assert len(signature_and_brightness(scene(1, size))[0]) == 16


def test_the_check_takes_the_signature_of_the_picture_as_people_see_it():
    upright, exif = scene(3), Image.Exif()
    exif[0x0112] = 6
    stored = io.BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(stored, "PNG", exif=exif)
    plain = io.BytesIO()
    upright.save(plain, "PNG")
    turned, straight = check_image(stored.getvalue()), check_image(plain.getvalue())
    assert turned.orientation == 6
    assert (turned.signature, turned.brightness) == (straight.signature, straight.brightness)
    assert len(turned.signature) == 16
