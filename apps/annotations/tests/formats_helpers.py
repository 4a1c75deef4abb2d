"""What the tests of the formats share: sources in memory, and exports packed into them."""

import io
import struct
import zlib

from apps.annotations.formats import FORMATS, Box, ImageLabels, read


class MemorySource:
    """Files by name, from text or bytes."""

    def __init__(self, files):
        self.files = {
            name: content.encode() if isinstance(content, str) else content for name, content in files.items()
        }

    def names(self):
        return list(self.files)

    def open(self, name):
        return io.BytesIO(self.files[name])


def read_all(files, format="auto"):
    """(reading, its images by path) of files in memory."""
    reading = read(MemorySource(files), format)
    images = {image.path: image for image in reading.images}
    assert len(images) == reading.image_count
    return reading, images


def told(reading):
    """The problems as (file, line, code), without notes."""
    return [(problem.file, problem.line, problem.code) for problem in reading.problems if problem.effect != "note"]


def export(format, class_names, images, **options):
    """The export's files; each image's own bytes are its file name."""
    files = {}
    for entry in FORMATS[format].write(class_names, images, **options):
        assert entry.name not in files
        files[entry.name] = entry.image.filename if entry.data is None else b"".join(entry.data)
    return files


def labels(filename, *boxes, **more):
    return ImageLabels(filename, boxes=list(boxes), **{"width": 640, "height": 480, **more})


def box(class_index=0, x_center=0.5, y_center=0.5, width=0.25, height=0.25, **more):
    return Box(class_index, x_center, y_center, width, height, **more)


def png(width, height):
    """A grey PNG of this size."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x7f" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
