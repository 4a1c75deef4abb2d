"""A CVAT for images 1.1 export: annotations.xml, and `images/<subset>/<name>` as CVAT's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from .base import SPLITS, Box, Entry, FormatError, ImageLabels
from .boxes import corners_of
from .layout import ExportNames, split_folder
from .pixel_text import pixel_text
from .spool import Spool


def write_cvat(
    class_names: Sequence[str],
    images: Iterable[ImageLabels],
    *,
    task: str = "detect",
    category_ids: Sequence[int] | None = None,
    class_colors: Sequence[str] | None = None,
) -> Iterator[Entry]:
    """The files of the export, annotations.xml last.

    A box with a polygon is written as the polygon, whatever `task` says. Confidences are left out: CVAT has
    none. Images that are not labelled are in the archive and not in the XML. Each labelled image's width
    and height must be known (FormatError).
    """
    names, count = ExportNames(), 0
    labels = [quoteattr(name) for name in class_names]
    with Spool() as xml:
        xml.write(_head(class_names, class_colors or [""] * len(class_names)))
        for image in images:
            name = names.name_for(image, "images")  # distinct in all subsets: CVAT finds images by it
            yield Entry(f"images/{split_folder(image)}/{name}", image=image)
            if image.labelled:
                xml.write(image_xml(labels, image, name, count))
                count += 1
        xml.write("</annotations>\n")
        yield Entry("annotations.xml", data=xml.pieces())


def _head(class_names: Sequence[str], colors: Sequence[str]) -> str:
    labels = "".join(
        f"        <label><name>{escape(name)}</name>{f'<color>{color}</color>' if color else ''}"
        "<type>any</type><attributes></attributes></label>\n"
        for name, color in zip(class_names, colors, strict=True)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n'
        f"  <meta>\n    <task>\n      <labels>\n{labels}      </labels>\n    </task>\n  </meta>\n"
    )


def image_xml(labels: Sequence[str], image: ImageLabels, name: str, number: int) -> str:
    """The image element; `labels` are the class names as quoted attributes."""
    if not image.width or not image.height:
        raise FormatError(image.filename, None, "CVAT is in pixels, and this image's size is not known")
    subset = f' subset="{image.split}"' if image.split in SPLITS else ""
    shapes = "".join([_shape(labels[box.class_index], box, image.width, image.height) for box in image.boxes])
    return (
        f'  <image id="{number}" name={quoteattr(name)}{subset} width="{image.width}" height="{image.height}">\n'
        f"{shapes}  </image>\n"
    )


def _shape(label: str, box: Box, width: int, height: int) -> str:
    source = "auto" if box.source == "model" else "manual"
    if box.points:
        pairs = zip(box.points[::2], box.points[1::2], strict=True)
        points = ";".join(f"{pixel_text(x, width)},{pixel_text(y, height)}" for x, y in pairs)
        return f'    <polygon label={label} source="{source}" occluded="0" points="{points}" z_order="0"></polygon>\n'
    x1, y1, x2, y2 = corners_of(box)
    return (
        f'    <box label={label} source="{source}" occluded="0" xtl="{pixel_text(x1, width)}"'
        f' ytl="{pixel_text(y1, height)}" xbr="{pixel_text(x2, width)}" ybr="{pixel_text(y2, height)}"'
        ' z_order="0"></box>\n'
    )
