"""What file names say of their source: a table."""

import time

import pytest

from apps.datasets.names import source_before_number, source_by_name, sources_by_name

SAID = {
    "street_frame_000123.jpg": ("video", "street"),
    "Street-FRAME-7.PNG": ("video", "street"),
    "clip 3.frame12.jpeg": ("video", "clip 3"),
    "cam1_night_frm0004.jpg": ("video", "cam1_night"),
    "street.mp4-0001.jpg": ("video", "street"),
    "street_mp4-12_jpg.rf.0123456789abcdef0123456789abcdef.jpg": ("video", "street"),
    "street_mp4_frame12.jpg": ("video", "street"),
    "street.MOV_00012.png": ("video", "street"),
    "a.b.avi.0005.jpg": ("video", "a.b"),
    "IMG_0042_jpg.rf.0123456789abcdef0123456789abcdef.jpg": ("original", "img_0042"),
    "IMG_0042_JPG.rf.9ab3de6789abcdef01ff.jpg": ("original", "img_0042"),
    "leaf-png.rf.0123456789abcdef0123456789abcdef.png": ("original", "leaf"),
    "IMG_20240506_070809_BURST001.jpg": ("burst", "img_20240506_070809"),
    "IMG_20240506_070809_BURST001_COVER.jpg": ("burst", "img_20240506_070809"),
    "00001IMG_00001_BURST20240506070809123.jpg": ("burst", "20240506070809123"),
    "00000IMG_00000_BURST20240506070809123_COVER.jpg": ("burst", "20240506070809123"),
    "PXL_20240506_070809123.RAW-01.COVER.jpg": ("burst", "pxl_20240506_070809123"),
    "20240506_070809_003.jpg": ("burst", "20240506_070809"),
    "P0006__1__0___824.png": ("original", "p0006"),
    "P0006__0.5__512___-24.png": ("original", "p0006"),
    "field7_tile_3_14.tif": ("original", "field7"),
    "cell12_aug_3.png": ("original", "cell12"),
}
SILENT = [
    "IMG_0001.jpg", "IMG_9999.jpg", "DSC01234.JPG", "000123.jpg", "frame_000123.jpg", "frame12.jpg", "image (1).jpg",
    "BloodImage_00379.jpg", "20240506_070809.jpg", "PXL_20240506_070809123.jpg", "mp4-0001.jpg", "video1.jpg",
    "a.jpg", ".jpg", "", "-.-", "burst_1.jpg", "x.rf.jpg", "picture_jpg.rf.short.jpg", "mainframe.jpg",
    "2024-05-06 07.08.09.jpg", "cat.1234.jpg", "n01440764_10026.JPEG", "aug_1.jpg", "tile_1.png",
]  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_a_clear_name_says_its_source(name):
    assert source_by_name(name) == SAID[name]


@pytest.mark.parametrize("name", SILENT)
def test_other_names_say_nothing(name):
    assert source_by_name(name) is None


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("cam1_000123.jpg", "cam1_"), ("dump-7-0001.png", "dump-7-"), ("a12b.jpg", "a"), ("Frame9.jpg", "frame"),
        ("000123.jpg", None), ("cat.jpg", None), ("2024-05-06.jpg", "2024-05-"), ("", None),
    ],
)  # fmt: skip
def test_everything_before_the_last_number_is_one_source_where_asked(name, source):
    assert source_before_number(name) == (("sequence", source) if source else None)


def test_files_of_one_source_are_found_whatever_their_case():
    names = ["a_frame_1.jpg", "IMG_1.jpg", "A_frame_2.JPG", "b_frame_1.jpg", "IMG_2.jpg"]
    assert sources_by_name(names) == {("video", "a"): [0, 2]}
    assert sources_by_name(["dump_1.jpg", "dump_2.jpg"]) == {}
    assert sources_by_name(["dump_1.jpg", "dump_2.jpg"], before_number=True) == {("sequence", "dump_"): [0, 1]}


def test_a_copy_hangs_together_with_what_it_is_a_copy_of():
    found = sources_by_name(["cat.jpg", "cat (1).jpg", "cat - Copy.jpg", "dog (1).jpg", "dog (2).jpg"])
    assert {key: sorted(indices) for key, indices in found.items()} == {("copy", "cat"): [0, 1, 2]}


def test_a_folder_that_was_renamed_in_one_go_is_no_copy():
    assert sources_by_name(["cat.jpg", *(f"cat ({n}).jpg" for n in range(1, 10))]) == {}


def test_augmentations_hang_together_with_their_original():
    hashes = "0123456789abcdef0123456789abcdef", "f123456789abcdef0123456789abcdef"
    names = ["leaf.jpg", *(f"leaf_jpg.rf.{h}.jpg" for h in hashes), "other.jpg"]
    assert {k: sorted(v) for k, v in sources_by_name(names).items()} == {("original", "leaf"): [0, 1, 2]}


@pytest.mark.parametrize("name", ["_frame_" * 36, "a" * 255, "1_" * 127, "burst1" * 42, " copy" * 51, "_" * 255])
def test_no_name_keeps_the_reader_busy(name):
    began = time.monotonic()
    for function in (source_by_name, source_before_number, lambda name: sources_by_name([name, name + "(1)"])):
        function(name)
    assert time.monotonic() - began < 0.5
