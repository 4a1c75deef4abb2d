"""The zip of an export, written as a stream."""

import zipfile
from itertools import chain

from django.core.files.storage import default_storage

from apps.annotations.formats import FORMATS, FormatError
from apps.core.images import upright_bytes
from apps.core.work import WorkFailed

READABLE = 0o644 << 16


class ExportArchive:
    """Writes the files of a format into `out`: labels compressed, pictures as they are."""

    def __init__(self, out, with_images=True):
        self._out, self._with_images = out, with_images

    def write(self, format, labels, entries, tell):
        """Write everything; `tell(images done)`. Raises WorkFailed where a stored file or a label cannot be written."""
        with zipfile.ZipFile(self._out, "w") as archive:
            written = FORMATS[format].write(
                labels.class_names, labels.of(entries), task=labels.task, category_ids=labels.category_ids,
                class_colors=labels.class_colors,
            )  # fmt: skip
            try:
                for entry in written:
                    if entry.data is not None:
                        _write_pieces(archive, entry)
                        continue
                    if self._with_images:
                        _write_picture(archive, entry)
                    tell(labels.images)
            except FormatError as error:
                raise WorkFailed(f"This cannot be written as {FORMATS[format].title}: {error}") from None
        self._out.seek(0, 2)


def _write_pieces(archive, entry):
    info = _info(entry.name, zipfile.ZIP_DEFLATED)
    pieces = iter(entry.data)
    first, second = next(pieces, b""), next(pieces, None)
    if second is None:  # most label files are one small piece
        archive.writestr(info, first, compresslevel=4)
        return
    with archive.open(info, "w", force_zip64=True) as target:
        for piece in chain((first, second), pieces):
            target.write(piece)


def _write_picture(archive, entry):
    name, as_it_came = entry.image.key
    info = _info(entry.name, zipfile.ZIP_STORED)  # pictures are compressed already
    try:
        with default_storage.open(name) as file:
            data = file.read()
    except FileNotFoundError:
        raise WorkFailed(f"The stored file {name} is missing: deleted meanwhile, or lost by a disk.") from None
    # Labels are in the upright frame, and so must the picture be for tools that ignore EXIF.
    archive.writestr(info, data if as_it_came else upright_bytes(data))


def _info(name, compression):
    info = zipfile.ZipInfo(name)
    info.compress_type, info.external_attr = compression, READABLE
    return info
