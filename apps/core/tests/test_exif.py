"""When and with what a picture was taken: what makes no sense is not there, and never an error."""

import io
from datetime import UTC, datetime

import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from apps.core.images import check_image

WHEN, FRACTION, OFFSET, SCANNED = 0x9003, 0x9291, 0x9011, 0x9004
MAKE, MODEL = 0x010F, 0x0110


def photo(format="JPEG", camera=None, **shot):
    """Bytes of a picture with these tags."""
    out, tags, picture = io.BytesIO(), shot.get("tags", {}), Image.new("RGB", (40, 30), "gray")
    if format == "TIFF":  # from `exif`, Pillow writes no folder of tags into a TIFF
        directory = ImageFileDirectory_v2()
        directory.update({**camera, 0x8769: tags})
        picture.save(out, format, tiffinfo=directory)
        return out.getvalue()
    exif = Image.Exif()
    exif.update(camera or {})
    exif.get_ifd(0x8769).update(tags)
    picture.save(out, format, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_time_and_camera_are_read_from_each_format(format):
    data = photo(format, {MAKE: "Canon", MODEL: "Canon EOS 5D"}, tags={WHEN: "2024:05:06 07:08:09", FRACTION: "25"})
    checked = check_image(data)
    assert checked.taken_at == datetime(2024, 5, 6, 7, 8, 9, 250_000, UTC)
    assert checked.camera == "Canon EOS 5D"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({WHEN: "2024:05:06 07:08:09", OFFSET: "+02:00"}, datetime(2024, 5, 6, 5, 8, 9, 0, UTC)),
        ({WHEN: "2024:05:06 07:08:09", OFFSET: "-05:30"}, datetime(2024, 5, 6, 12, 38, 9, 0, UTC)),
        ({WHEN: "2024:05:06 07:08:09", OFFSET: "+99:99"}, datetime(2024, 5, 6, 7, 8, 9, 0, UTC)),
        ({WHEN: "2024:05:06 07:08:09", FRACTION: "1234567"}, datetime(2024, 5, 6, 7, 8, 9, 123_456, UTC)),
        ({WHEN: "2024:05:06 07:08:09", FRACTION: "x"}, datetime(2024, 5, 6, 7, 8, 9, 0, UTC)),
        ({SCANNED: "2024:05:06 07:08:09"}, datetime(2024, 5, 6, 7, 8, 9, 0, UTC)),
        ({WHEN: "0000:00:00 00:00:00", SCANNED: "2024:05:06 07:08:09"}, datetime(2024, 5, 6, 7, 8, 9, 0, UTC)),
    ],
)
def test_zone_and_fraction_count_where_they_make_sense(tags, expected):
    assert check_image(photo(tags=tags)).taken_at == expected


@pytest.mark.parametrize(
    "time",
    [
        "", "yesterday", "0000:00:00 00:00:00", "2024:13:01 00:00:00", "2024:02:30 00:00:00", "2024:05:06 25:00:00",
        "9999:12:31 23:59:59", "0001:01:01 00:00:00", "2024:05:06", b"\xff\xfe\x00", "२०२४:05:06 07:08:09", "9" * 5000,
    ],
)  # fmt: skip
def test_a_time_that_cannot_be_is_none(time):
    assert check_image(photo(tags={WHEN: time})).taken_at is None


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({MAKE: "NIKON CORPORATION", MODEL: "NIKON D90"}, "NIKON CORPORATION NIKON D90"),
        ({MODEL: "Pixel 8"}, "Pixel 8"),
        ({MAKE: "DJI"}, "DJI"),
        ({MAKE: "Sony\x00\x00", MODEL: " a\n7\t "}, "Sony a 7"),
        ({MAKE: "x" * 300}, "x" * 100),
        ({MAKE: "<script>", MODEL: "\x1b[31m"}, "<script> [31m"),
        ({}, ""),
    ],
)
def test_the_camera_is_clean_and_short(tags, expected):
    assert check_image(photo(camera=tags)).camera == expected


def test_a_picture_without_or_with_broken_exif_has_neither():
    plain, broken = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (40, 30)).save(plain, "PNG")
    Image.new("RGB", (40, 30)).save(broken, "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff broken from here")
    for file in (plain, broken):
        checked = check_image(file.getvalue())
        assert (checked.taken_at, checked.camera) == (None, "")
