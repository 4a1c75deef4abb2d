import pytest

from apps.annotations.formats import Code, FormatError, read

from .formats_helpers import MemorySource, box, export, labels, png, read_all, told

LABELS = """<meta><task><labels>
  <label><name>dog</name><color>#ff0000</color><attributes><attribute><name>age</name></attribute></attributes></label>
  <label><name>cat</name><color>red</color></label>
  <label><name>nose</name><type>points</type><parent>dog</parent></label>
</labels></task></meta>"""
BOX = '<box label="cat" xtl="160" ytl="120" xbr="480" ybr="360"/>'


def cvat(*shapes, attributes='name="a.jpg" width="640" height="480"', meta=LABELS):
    inside = "\n".join(shapes)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{meta}\n'
        f'<image id="0" {attributes}>\n{inside}\n</image></annotations>\n'
    )


def read_one(*shapes, **more):
    return read_all({"annotations.xml": cvat(*shapes, **more), "images/a.jpg": png(640, 480)})


def line_of(xml, text):
    return xml.count("\n", 0, xml.index(text)) + 1


def test_boxes_and_the_order_and_colours_of_labels():
    reading, images = read_one(
        '<box label="cat" xtl="160.00" ytl="120.00" xbr="480.00" ybr="360.00" occluded="0" z_order="0" source="auto">'
        '<attribute name="age">3</attribute></box>'
    )
    assert (reading.format, reading.class_names, reading.colors) == ("cvat", ("dog", "cat"), ("#ff0000", ""))
    assert images["images/a.jpg"].boxes == [box(1, 0.5, 0.5, 0.5, 0.5, source="model")]
    assert (images["images/a.jpg"].width, images["images/a.jpg"].height) == (640, 480)
    assert not reading.problems.total


def test_polygons_keep_their_points():
    _reading, images = read_one('<polygon label="cat" points="160.0,120.0;480.0,120.0;480.0,360.0" z_order="0"/>')
    assert images["images/a.jpg"].boxes == [box(1, 0.5, 0.5, 0.5, 0.5, points=(0.25, 0.25, 0.75, 0.25, 0.75, 0.75))]


def test_a_turned_box_becomes_a_polygon_of_its_corners():
    xml = '<box label="cat" xtl="220" ytl="190" xbr="420" ybr="290" rotation="90.0"/>'
    _reading, images = read_one(xml)
    (found,) = images["images/a.jpg"].boxes
    assert (found.width * 640, found.height * 480) == pytest.approx((100, 200))
    assert [round(v * s) for v, s in zip(found.points, [640, 480] * 4, strict=True)] == [
        *(370, 140, 370, 340),
        *(270, 340, 270, 140),
    ]


def test_an_ellipse_becomes_a_polygon_and_a_mask_its_box():
    reading, images = read_one(
        '<ellipse label="cat" cx="320" cy="240" rx="64" ry="48"/>',
        '<mask label="dog" rle="1, 2" left="0" top="0" width="64" height="48"/>',
    )
    ellipse, mask = images["images/a.jpg"].boxes
    assert (ellipse.x_center, ellipse.width, len(ellipse.points)) == (0.5, pytest.approx(0.2), 128)
    assert (mask.width, mask.height, mask.points) == (0.1, 0.1, None)
    assert [code for _file, _line, code in told(reading)] == [Code.SIMPLIFIED] * 2


def test_subsets_are_splits_and_images_lie_in_folders_of_the_subset():
    images = [
        '<image id="{}" name="0001.jpg" subset="{}" width="9" height="9"></image>'.format(*p)
        for p in enumerate(["Train", "Validation", "default"])
    ]
    _reading, found = read_all(
        {
            "annotations.xml": f"<annotations><version>1.1</version>{''.join(images[:2])}</annotations>",
            "images/Train/0001.jpg": b"",
            "images/Validation/0001.jpg": b"",
            "images/Test/0002.jpg": b"",
        }
    )  # fmt: skip
    assert [(i.split, i.labelled) for i in found.values()] == [("test", False), ("train", True), ("val", True)]


def test_names_with_folders_and_backslashes_of_another_machine_find_their_images():
    files = {"x.xml": cvat(BOX, attributes='name="frames\\one\\a.jpg" width="640" height="480"')}
    _reading, images = read_all({**files, "one/a.jpg": b"", "two/a.jpg": b""})
    assert [len(image.boxes) for image in images.values()] == [1, 0]


def test_several_files_are_one_data_set():
    second = cvat(BOX, attributes='name="b.jpg" width="640" height="480"', meta="")
    reading, images = read_all({"1.xml": cvat(BOX), "2.xml": second, "a.jpg": b"", "b.jpg": b""})
    assert reading.class_names == ("dog", "cat")
    assert [len(image.boxes) for image in images.values()] == [1, 1]


def test_the_size_of_an_image_is_looked_up_where_the_file_does_not_say():
    _reading, images = read_one(BOX, attributes='name="a.jpg"')
    assert images["images/a.jpg"].boxes[0].width == 0.5


@pytest.mark.parametrize(
    ("shape", "code", "words"),
    [
        ('<box label="cat" xtl="10" ytl="10" xbr="10" ybr="20"/>', Code.NO_AREA, "no area (0 × 10 px)"),
        ('<box label="cat" xtl="700" ytl="10" xbr="720" ybr="20"/>', Code.OUTSIDE, "outside"),
        ('<box label="cat" xtl="600" ytl="10" xbr="650" ybr="20"/>', Code.CLIPPED, "10 px at the right"),
        ('<box label="cat" xtl="20" ytl="10" xbr="10" ybr="20"/>', Code.SWAPPED, "swapped"),
        ('<box label="cat" xtl="nan" ytl="10" xbr="20" ybr="20"/>', Code.BAD_VALUE, "no usable coordinates"),
        ('<box label="cat" xtl="1" ytl="10" xbr="20" ybr="20" rotation="x"/>', Code.BAD_VALUE, "no usable"),
        ('<box label="cat" ytl="10" xbr="20" ybr="20"/>', Code.BAD_VALUE, "no usable coordinates"),
        ('<box label=" " xtl="1" ytl="10" xbr="20" ybr="20"/>', Code.BAD_VALUE, "no label"),
        ('<polygon label="cat" points="1,2;3,4"/>', Code.BAD_VALUE, "no usable coordinates"),
        ('<polygon label="cat" points="1,2;3,4;5"/>', Code.BAD_VALUE, "no usable coordinates"),
        ('<polyline label="cat" points="1,2;3,4"/>', Code.UNSUPPORTED, "a polyline (cat) is neither"),
        ('<points label="cat" points="1,2"/>', Code.UNSUPPORTED, "points (cat)"),
        ('<cuboid label="cat"/>', Code.UNSUPPORTED, "a cuboid (cat)"),
        ('<tag label="cat"/>', Code.UNSUPPORTED, "a tag of the image"),
        ('<skeleton label="dog"><points label="nose" points="1,2"/></skeleton>', Code.UNSUPPORTED, "skeleton (dog)"),
        (BOX, Code.DUPLICATE, "the same box"),
    ],
)
def test_a_shape_that_cannot_go_in_as_it_is_is_named_with_its_line(shape, code, words):
    reading, images = read_one(BOX, shape)
    xml = cvat(BOX, "!")
    assert told(reading) == [("annotations.xml", line_of(xml, "!"), code)]
    assert words in next(iter(reading.problems)).reason
    assert len(images["images/a.jpg"].boxes) == (2 if code in (Code.CLIPPED, Code.SWAPPED) else 1)


def test_images_that_are_missing_ambiguous_or_named_twice_are_told():
    image = '<image name="{}" width="9" height="9"><box label="c" xtl="1" ytl="1" xbr="3" ybr="3"/></image>\n'
    inside = "".join(map(image.format, ["gone.jpg", "a.jpg", "b.jpg", "b.jpg", ""]))
    reading, images = read_all(
        {"l/x.xml": f"<annotations><meta/>\n{inside}</annotations>", "1/a.jpg": b"", "2/a.jpg": b"", "b.jpg": b""}
    )
    assert told(reading) == [
        ("l/x.xml", 2, Code.IMAGE_MISSING),
        ("l/x.xml", 3, Code.IMAGE_AMBIGUOUS),
        ("l/x.xml", 5, Code.DUPLICATE),
        ("l/x.xml", 6, Code.BAD_VALUE),
    ]
    assert [image.labelled for image in images.values()] == [False, False, True]


def test_cvat_for_video_is_an_error_that_says_what_to_do():
    xml = '<annotations><version>1.1</version><meta/><track id="0" label="car"><box frame="0"/></track></annotations>'
    with pytest.raises(FormatError, match=r"CVAT for images 1\.1"):
        read_all({"annotations.xml": xml, "a.jpg": b""})


@pytest.mark.parametrize(
    ("xml", "line", "words"),
    [
        (cvat(BOX)[:-20], 9, "not valid XML"),
        ("<annotations>\n<meta>&x;</meta></annotations>", 2, "not valid XML"),
        ('<!DOCTYPE a [<!ENTITY x "y">]>\n<annotations><meta/></annotations>', 1, "DOCTYPE"),
        (cvat(BOX, f'<box label="{"x" * 9_000_000}"/>'), None, "a tag of more than 8 MB"),
        (cvat(BOX).encode() + b"\xff", None, "utf-8"),
    ],
)
def test_a_broken_file_is_an_error_with_its_line(xml, line, words):
    with pytest.raises(FormatError, match=words) as caught:
        read_all({"a.xml": xml, "a.jpg": b""}, "cvat")
    assert caught.value.file == "a.xml"
    assert line in (None, caught.value.line)


def test_no_entity_is_ever_expanded():
    bomb = '<!DOCTYPE a [<!ENTITY x "yyyyyyyyyy"><!ENTITY z "&x;&x;&x;">]><annotations><meta>&z;</meta></annotations>'
    with pytest.raises(FormatError):
        read(MemorySource({"a.xml": bomb, "a.jpg": b""}), "cvat")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gbk"])
def test_other_encodings_are_read(encoding):
    xml = cvat(BOX.replace("cat", "猫"), meta="").replace('"utf-8"', f'"{encoding.removesuffix("-sig")}"')
    reading, _images = read_all({"a.xml": xml.encode(encoding), "a.jpg": b""})
    assert reading.class_names == ("猫",)


def test_windows_line_ends():
    reading, _images = read_all({"a.xml": cvat(BOX, "<cuboid/>").replace("\n", "\r\n"), "a.jpg": b""})
    assert told(reading)[0][1] == line_of(cvat(BOX, "<cuboid/>"), "<cuboid")


def test_an_export_names_the_image_whose_size_is_missing():
    with pytest.raises(FormatError, match=r"a\.jpg"):
        export("cvat", ["cat"], [labels("a.jpg", width=None)])


def test_an_export_carries_colours_and_subsets():
    files = export("cvat", ["a<b", 'c"d'], [labels("x.jpg", box(1), split="val")], class_colors=["#102030", ""])
    xml = files["annotations.xml"].decode()
    assert "<name>a&lt;b</name><color>#102030</color>" in xml
    assert 'name="x.jpg" subset="val" width="640" height="480"' in xml
    reading, images = read_all(files)
    assert (reading.class_names, reading.colors) == (("a<b", 'c"d'), ("#102030", ""))
    assert (images["images/val/x.jpg"].split, images["images/val/x.jpg"].boxes) == ("val", [box(1)])
