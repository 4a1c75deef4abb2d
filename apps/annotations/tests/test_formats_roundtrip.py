"""What is exported comes back the same: boxes to the precision that docs/formats.md states, classes in their
order, splits, what is labelled, and the ids and colours where the format has them."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.annotations.formats import FORMATS, SPLITS, Box, ImageLabels

from .formats_helpers import export, read_all

PRECISION = 1e-6  # of the image, for all formats but ndjson, which is exact
HAS_SCORES = ("coco", "labelstudio", "ndjson")
HAS_POLYGONS = ("coco", "cvat", "labelstudio", "labelme", "ndjson")
HAS_COLORS = ("cvat", "labelstudio", "ndjson")
HAS_IDS = ("coco", "ndjson")

fraction = st.floats(0, 1, allow_subnormal=False)
class_names = st.lists(
    st.text(string.ascii_letters + string.digits + " -_.&<>'\"äß猫/", min_size=1, max_size=12)
    .map(lambda name: " ".join(name.split()))
    .filter(bool),
    min_size=1,
    max_size=6,
    unique=True,
)
stems = st.text(string.ascii_lowercase + string.digits + " _-.äß%#&'", min_size=1, max_size=8)


@st.composite
def boxes(draw, num_classes, polygons):
    x1, x2 = sorted((draw(fraction), draw(fraction)))
    y1, y2 = sorted((draw(fraction), draw(fraction)))
    x1, y1 = min(x1, 0.999), min(y1, 0.999)
    x2, y2 = max(x2, x1 + 0.001), max(y2, y1 + 0.001)
    points = None
    if polygons and draw(st.booleans()):
        points = (x1, y1, x2, y1, x2, y2, (x1 + x2) / 2, y2, x1, (y1 + y2) / 2)
    return Box(
        draw(st.integers(0, num_classes - 1)),
        (x1 + x2) / 2,
        (y1 + y2) / 2,
        x2 - x1,
        y2 - y1,
        points,
        draw(st.none() | fraction),
        draw(st.sampled_from(["", "manual", "model"])),
    )


@st.composite
def datasets(draw, polygons):
    names = draw(class_names)
    images = []
    for _image in range(draw(st.integers(1, 4))):
        labelled = not images or draw(st.booleans())  # an archive without any label is none that can be recognised
        images.append(
            ImageLabels(
                draw(stems) + draw(st.sampled_from([".jpg", ".PNG", ".jpeg"])),
                draw(st.lists(boxes(len(names), polygons), max_size=4, unique_by=as_place)) if labelled else [],
                labelled=labelled,
                split=draw(st.sampled_from(["", *SPLITS])),
                width=draw(st.integers(8, 9000)),
                height=draw(st.integers(8, 9000)),
            )
        )
    ids = draw(st.lists(st.integers(1, 10_000), min_size=len(names), max_size=len(names), unique=True))
    colors = draw(st.lists(st.sampled_from(["", "#00ff7f"]), min_size=len(names), max_size=len(names)))
    return names, images, ids, colors


def as_place(box):
    """Boxes that a format cannot tell apart are one box to it."""
    return box.class_index, *(round(value, 3) for value in (box.x_center, box.y_center, box.width, box.height))


@pytest.mark.parametrize("task", ["detect", "segment"])
@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_what_is_exported_comes_back_the_same(format, task, data):
    keeps_points = format in HAS_POLYGONS or (format == "yolo" and task == "segment")
    names, images, ids, colors = data.draw(datasets(polygons=task == "segment" and keeps_points))
    files = export(format, names, images, task=task, category_ids=ids, class_colors=colors)
    reading, found = read_all(files)
    assert (reading.format, reading.class_names) == (format, tuple(names))
    assert reading.category_ids == (tuple(ids) if format in HAS_IDS else ())
    assert reading.colors == (tuple(colors) if format in HAS_COLORS else ())
    assert not [str(problem) for problem in reading.problems]
    in_order = [found[name] for name, content in files.items() if isinstance(content, str)]
    for before, after in zip(images, in_order, strict=True):
        assert (after.split, after.labelled) == (before.split, before.labelled)
        for box, again in zip(before.boxes, after.boxes, strict=True):
            check_box(format, task, box, again)


def check_box(format, task, box, again):
    if format == "ndjson":
        assert again == box
        return
    precision = pytest.approx([box.x_center, box.y_center, box.width, box.height], abs=PRECISION)
    assert again.class_index == box.class_index
    assert [again.x_center, again.y_center, again.width, again.height] == precision
    assert again.confidence == (box.confidence if format in HAS_SCORES else None)
    if box.points:
        assert again.points == pytest.approx(box.points, abs=PRECISION)
    elif not (format == "yolo" and task == "segment"):  # there, a box is its four corners
        assert again.points is None
