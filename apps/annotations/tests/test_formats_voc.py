import pytest

from apps.annotations.formats import Code, FormatError

from .formats_helpers import box, export, labels, png, read_all, told

SIZE = "<size><width>640</width><height>480</height><depth>3</depth></size>"


def thing(name="cat", corners=(160, 120, 480, 360)):
    tags = zip(("xmin", "ymin", "xmax", "ymax"), corners, strict=True)
    return f"<object><name>{name}</name><bndbox>{''.join(f'<{t}>{v}</{t}>' for t, v in tags)}</bndbox></object>"


def xml(*things, filename="a.jpg", size=SIZE):
    lines = "\n".join(things)
    return f"<annotation>\n<filename>{filename}</filename>\n{size}\n{lines}\n</annotation>"


def test_edges_are_pixels_from_zero():
    _reading, images = read_all({"a.xml": xml(thing(corners=(0, 0, 640, 240))), "a.jpg": b""})
    (found,) = images["a.jpg"].boxes
    assert (found.x_center, found.y_center, found.width, found.height) == (0.5, 0.25, 1, 0.5)


def test_the_devkit_layout_with_image_sets():
    reading, images = read_all(
        {
            "VOC/JPEGImages/a.jpg": b"",
            "VOC/JPEGImages/b.jpg": b"",
            "VOC/JPEGImages/c d.jpg": b"",
            "VOC/JPEGImages/e.jpg": b"",
            "VOC/Annotations/a.xml": xml(thing("dog"), thing("cat")),
            "VOC/Annotations/b.xml": xml(filename="b.jpg"),
            "VOC/ImageSets/Main/train.txt": "a\r\nb\r\n",
            "VOC/ImageSets/Main/val.txt": "c d\nb\ngone\n",
            "VOC/ImageSets/Main/trainval.txt": "a\nb\nc d\n",
            "VOC/ImageSets/Main/cat_train.txt": "a  1\n",
        }
    )
    assert reading.class_names == ("cat", "dog")
    assert [(i.split, i.labelled) for i in images.values()] == [
        ("train", True),
        ("train", True),
        ("val", False),
        ("", False),
    ]
    file = "VOC/ImageSets/Main/val.txt"
    assert told(reading) == [(file, 2, Code.DUPLICATE), (file, 3, Code.IMAGE_MISSING)]


def test_roboflow_layout_with_labels_beside_the_images():
    _reading, images = read_all(
        {
            "train/a.jpg": b"",
            "train/a.xml": xml(thing()),
            "valid/a.jpg": b"",
            "valid/a.xml": xml(thing(), thing("dog")),
        }
    )
    assert [(image.split, len(image.boxes)) for image in images.values()] == [("train", 1), ("val", 2)]


def test_the_name_of_the_xml_counts_more_than_a_filename_left_over_from_a_copy():
    _reading, images = read_all({"a.jpg": b"", "b.jpg": b"", "a.xml": xml(thing()), "b.xml": xml(filename="a.jpg")})
    assert [len(image.boxes) for image in images.values()] == [1, 0]


def test_the_filename_decides_between_two_extensions_and_serves_where_the_stem_finds_nothing():
    _reading, images = read_all(
        {
            "a.jpg": b"",
            "a.png": b"",
            "z.jpg": b"",
            "a.xml": xml(thing(), filename="a.png"),
            "0.xml": xml(filename="C:\\pictures\\z.jpg"),
        }
    )
    assert [image.labelled for image in images.values()] == [False, True, True]


def test_a_list_of_classes_gives_the_order():
    reading, _images = read_all({"a.jpg": b"", "a.xml": xml(thing()), "classes.txt": "dog\n"})
    assert reading.class_names == ("dog", "cat")


def test_cvats_label_map_gives_the_order_without_its_background():
    label_map = "# label:color_rgb:parts:actions\nbackground:0,0,0::\ndog:1,2,3::\ncat:4,5,6::\n"
    reading, _images = read_all({"a.jpg": b"", "a.xml": xml(thing()), "labelmap.txt": label_map})
    assert reading.class_names == ("dog", "cat")


@pytest.mark.parametrize("size", ["", "<size><width>0</width><height>0</height></size>"])
def test_the_size_of_an_image_is_looked_up_where_the_file_does_not_say(size):
    _reading, images = read_all({"a.jpg": png(640, 480), "a.xml": xml(thing(), size=size)})
    assert images["a.jpg"].boxes[0].width == 0.5


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (thing(corners=(10, 10, 10, 10)), Code.NO_AREA),
        (thing(corners=(700, 10, 710, 20)), Code.OUTSIDE),
        (thing(corners=(600, 10, 710, 20)), Code.CLIPPED),
        (thing(corners=(50, 10, 20, 90)), Code.SWAPPED),
        (thing(corners=("nan", 10, 20, 90)), Code.BAD_VALUE),
        (thing(corners=("", 10, 20, 90)), Code.BAD_VALUE),
        ("<object><name>cat</name></object>", Code.BAD_VALUE),
        (thing(name=""), Code.BAD_VALUE),
        (thing(), Code.DUPLICATE),
    ],
)
def test_an_object_that_cannot_go_in_as_it_is_is_named_with_its_line(bad, code):
    reading, _images = read_all({"x/a.xml": xml(thing(), bad, thing("dog")), "a.jpg": b""})
    assert told(reading) == [("x/a.xml", 5, code)]


def test_a_label_file_without_its_image_is_named():
    reading, _images = read_all({"a.xml": xml(thing(), filename="gone.jpg"), "b.jpg": b""})
    assert told(reading) == [("a.xml", None, Code.LABEL_WITHOUT_IMAGE)]
    assert "(gone.jpg)" in next(iter(reading.problems)).reason


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("<annotation>\n<object></annotation>", 2, "valid XML"),
        ('<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY x "y">]><annotation>&x;</annotation>', 2, "DOCTYPE"),
        ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>', 1, "DOCTYPE"),
        (b"<annotation>\n\xff\xff</annotation>", 2, "UTF-8"),
        ("<annotation>" * 50_000, None, "valid XML"),
        ("", 1, "valid XML"),
    ],
)
def test_xml_that_is_broken_or_dangerous_is_named_and_the_rest_goes_in(text, line, words):
    reading, images = read_all({"a.xml": text, "a.jpg": b"", "b.xml": xml(thing()), "b.jpg": b""}, "voc")
    (problem,) = reading.problems
    assert problem.code == Code.UNREADABLE
    assert words in problem.reason
    assert line is None or problem.line == line
    assert [image.labelled for image in images.values()] == [False, True]


@pytest.mark.parametrize("encoding", ["gbk", "utf-16", "iso-8859-1"])
def test_the_declared_encoding_is_honoured(encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n' + xml(thing("größe"), thing(corners=(1, 1, 1, 1)))
    if encoding == "gbk":
        text = text.replace("größe", "细胞")
    reading, images = read_all({"a.xml": text.encode(encoding), "a.jpg": b""})
    assert len(images["a.jpg"].boxes) == 1
    assert told(reading) == [("a.xml", 6, Code.NO_AREA)]
    assert set(reading.class_names) & {"größe", "细胞"}


def test_export_then_import_gives_the_same_labels():
    images = [
        labels("a.jpg", box(1, 0.123456789, 1 / 3, 0.2, 0.1), box(0), split="train"),
        labels("a.png", box(0, 0.5, 0.5, 1, 1), split="val", width=17, height=11),
        labels("b & c.jpg", split="test"),
        labels("c.jpg", box(1)),
        labels("d.jpg", labelled=False, split="train"),
    ]
    files = export("voc", ["z <&>", "a"], images)
    reading, found = read_all(files)
    assert reading.class_names == ("z <&>", "a")
    assert not reading.problems.total
    ordered = [found[path] for path in files if path.startswith("JPEGImages/")]
    for before, after in zip(images, ordered, strict=True):
        assert (after.split, after.labelled) == (before.split, before.labelled)
        for one, other in zip(before.boxes, after.boxes, strict=True):
            assert other.class_index == one.class_index
            for side in ("x_center", "y_center", "width", "height"):
                assert getattr(other, side) == pytest.approx(getattr(one, side), abs=1e-6)


def test_whole_pixels_are_written_as_whole_numbers():
    files = export("voc", ["cat"], [labels("a.jpg", box(0, 273 / 1280, 0.5, 41 / 640, 0.5))])
    assert b"<xmin>116</xmin><ymin>120</ymin><xmax>157</xmax><ymax>360</ymax>" in files["Annotations/a.xml"]


def test_an_export_names_the_image_whose_size_is_missing():
    with pytest.raises(FormatError, match=r"a\.jpg"):
        export("voc", ["cat"], [labels("a.jpg", width=None)])
