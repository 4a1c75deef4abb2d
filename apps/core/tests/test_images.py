"""Images are checked by decoding: what is taken comes out upright, what is not is refused with its reason."""

import io
import struct

import pytest
from PIL import Image

from apps.core.images import BadImage, check_image, upright_bytes
from conftest import picture

ACCEPTED = "JPEG, PNG, WebP, BMP, TIFF"
# How a picture that people see upright is stored under each EXIF orientation.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}  # fmt: skip


def save(image, format="PNG", **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def red_corner(width=96, height=64):
    """Gray, with the top left quarter red: every turn and mirroring shows."""
    image = Image.new("RGB", (width, height), "gray")
    image.paste("red", (0, 0, width // 2, height // 2))
    return image


def oriented(orientation, format):
    upright = red_corner()
    stored = upright.transpose(STORED[orientation]) if orientation in STORED else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(stored, format, exif=exif)


def is_upright(data):
    image = Image.open(io.BytesIO(data)).convert("RGB")
    width, height = image.size
    corners = [(8, 8), (width - 8, 8), (8, height - 8), (width - 8, height - 8)]
    return [image.getpixel(at)[1] < 60 for at in corners] == [True, False, False, False]


@pytest.mark.parametrize(
    ("format", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("BMP", "bmp"), ("TIFF", "tif")]
)
def test_accepted_formats_are_known_by_their_content(format, extension):
    checked = check_image(picture(64, 48, format=format))
    assert (checked.extension, checked.width, checked.height, checked.is_plain) == (extension, 64, 48, True)
    assert (checked.preview is not None) == (extension == "tif")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation, format):
    data = oriented(orientation, format)
    checked = check_image(data)
    assert (checked.width, checked.height, checked.orientation) == (96, 64, orientation)
    assert is_upright(checked.thumbnail)
    assert is_upright(upright_bytes(data))
    assert checked.is_plain == (orientation == 1)
    assert checked.preview is None or is_upright(checked.preview)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_orientation_that_does_not_exist_is_none(orientation):
    checked = check_image(oriented(orientation, "JPEG"))
    assert (checked.width, checked.height, checked.orientation) == (96, 64, 1)


def test_thumbnail_is_small_and_keeps_the_proportions():
    checked = check_image(picture(1600, 400))
    assert Image.open(io.BytesIO(checked.thumbnail)).size == (320, 80)


RARE = {
    "cmyk": lambda: save(Image.new("CMYK", (40, 30), (0, 255, 255, 0)), "JPEG"),
    "16 bit": lambda: save(Image.new("I;16", (40, 30), 65535)),
    "alpha": lambda: save(Image.new("RGBA", (40, 30), (255, 0, 0, 0))),
    "gray and alpha": lambda: save(Image.new("LA", (40, 30), (0, 0))),
    "palette with a clear colour": lambda: save(Image.new("P", (40, 30), 0), transparency=0),
    "animated": lambda: save(
        Image.new("RGB", (40, 30), "red"), "WEBP", save_all=True, append_images=[Image.new("RGB", (40, 30), "blue")],
        lossless=True,
    ),
    "many pages": lambda: save(
        Image.new("RGB", (40, 30), "red"), "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9), "blue")]
    ),
}  # fmt: skip
SEEN = {"cmyk": "red", "animated": "red", "many pages": "red"}


@pytest.mark.parametrize("kind", RARE)
def test_rare_kinds_are_shown_as_people_see_them_and_are_not_plain(kind):
    data = RARE[kind]()
    checked = check_image(data)
    assert (checked.width, checked.height, checked.is_plain) == (40, 30, False)
    expected = Image.new("RGB", (1, 1), SEEN.get(kind, "white")).getpixel((0, 0))
    for shown in (checked.thumbnail, upright_bytes(data)):
        found = Image.open(io.BytesIO(shown)).convert("RGB").getpixel((20, 15))
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) < 12


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_few_colours_are_plain(mode):
    assert check_image(save(Image.new(mode, (40, 30)))).is_plain


def bmp_header(width, height):
    return (
        b"BM"
        + struct.pack("<IHHI", 54, 0, 0, 54)
        + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    )


REFUSED = {
    "empty": (b"", "empty"),
    "text": (b"hello, world", ACCEPTED),
    "html": (b"<!doctype html><html><script>alert(1)</script></html>", ACCEPTED),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', ACCEPTED),
    "gif": (save(Image.new("P", (9, 9)), "GIF"), ACCEPTED),
    "magic bytes only": (b"\xff\xd8\xff\xe0", "Broken|Not an image"),
    "no pixels": (bmp_header(0, 0), "Broken|Not an image"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_taken_is_refused_with_words(kind):
    data, words = REFUSED[kind]
    with pytest.raises(BadImage, match=words) as refusal:
        check_image(data)
    assert "0x" not in str(refusal.value)


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_half_a_file_is_refused(format, part):
    noise = Image.effect_noise((120, 90), 80).convert("RGB")
    data = save(noise, format)
    with pytest.raises(BadImage):
        check_image(data[: int(len(data) * part)])


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_broken_exif_is_no_reason_to_refuse_or_to_crash(format):
    data = save(red_corner(), format, exif=b"Exif\x00\x00MM\x00*\x00\x00\xff\xff broken from here")
    assert check_image(data).width == 96


def test_mangled_files_are_taken_or_refused_but_nothing_else():
    for format in ("JPEG", "PNG", "WEBP", "BMP", "TIFF"):
        data = oriented(6, format) if format != "BMP" else picture(format="BMP")
        for at in range(0, min(len(data), 240)):
            mangled = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
            try:
                check_image(mangled)
            except BadImage as bad:
                assert str(bad)  # noqa: PT017 — being refused is one of the two good ends


def test_too_many_pixels_are_refused_from_the_header_alone(settings):
    settings.MAX_IMAGE_PIXELS = 1_000_000
    with pytest.raises(BadImage, match="more than 1 megapixels"):
        check_image(bmp_header(60000, 60000))
    assert check_image(picture(1000, 1000)).width == 1000


def test_too_many_bytes_are_refused(settings):
    settings.MAX_IMAGE_BYTES = 2**20
    with pytest.raises(BadImage, match="Larger than 1 MB"):
        check_image(b"\xff\xd8" + bytes(2**20))
