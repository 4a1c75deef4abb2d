import numpy as np
import pytest
from PIL import Image, ImageOps

from apps.annotations.formats import Box, ImageLabels
from apps.annotations.services.orientation import turned
from apps.datasets.models import DatasetImage

WIDE, HIGH = 60, 40
EXIF_ORIENTATION = 0x0112


def stored_picture():
    """60 × 40, black but for a white patch at x 6 to 18, y 4 to 12."""
    pixels = np.zeros((HIGH, WIDE), np.uint8)
    pixels[4:12, 6:18] = 255
    return Image.fromarray(pixels)


STORED = Box(0, 0.2, 0.2, 0.2, 0.2, points=(0.1, 0.1, 0.3, 0.1, 0.3, 0.3))


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_box_drawn_on_the_stored_picture_lies_on_the_same_thing_upright(orientation):
    picture = stored_picture()
    picture.getexif()[EXIF_ORIENTATION] = orientation
    shown = np.asarray(ImageOps.exif_transpose(picture))
    assert shown.shape == (WIDE, HIGH)
    image = DatasetImage(width=HIGH, height=WIDE, orientation=orientation)
    box = turned(STORED, ImageLabels("a.jpg", width=WIDE, height=HIGH), image)
    ys, xs = np.nonzero(shown)
    found = (xs.min() / HIGH, ys.min() / WIDE, (xs.max() + 1) / HIGH, (ys.max() + 1) / WIDE)
    half_width, half_height = box.width / 2, box.height / 2
    corners = (box.x_center - half_width, box.y_center - half_height)
    corners += (box.x_center + half_width, box.y_center + half_height)
    assert corners == pytest.approx(found)
    assert min(box.points[::2]) == pytest.approx(found[0])
    assert max(box.points[1::2]) == pytest.approx(found[3])


@pytest.mark.parametrize(
    ("orientation", "claimed"),
    [(6, (HIGH, WIDE)), (6, (None, None)), (6, (HIGH * 2, WIDE * 2)), (1, (WIDE, HIGH)), (3, (WIDE, HIGH))],
)
def test_box_stays_where_nothing_says_that_it_was_drawn_on_the_stored_picture(orientation, claimed):
    image = DatasetImage(width=HIGH, height=WIDE, orientation=orientation)
    assert turned(STORED, ImageLabels("a.jpg", width=claimed[0], height=claimed[1]), image) is STORED


def test_box_on_a_square_picture_stays_as_it_is():
    image = DatasetImage(width=HIGH, height=HIGH, orientation=6)
    assert turned(STORED, ImageLabels("a.jpg", width=HIGH, height=HIGH), image) is STORED
