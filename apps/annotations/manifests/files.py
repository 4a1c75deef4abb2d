"""Writing a manifest, with the hash of its content, and reading it, whatever format it is of."""

import gzip
import hashlib
import json

FORMAT = 2
DETAILS = {"state": "", "group": "", "tags": [], "source": "", "revision": 0}  # what format 1 does not know


class ManifestWriter:
    """Writes a manifest to a binary file; a context manager. `content_hash` is known once all entries are written.

    The hash is of what a version is: its task, its classes with their order, and of each image the bytes, the split,
    whether it is labelled, and the boxes whatever their order. Who drew a box, its confidence, an image's name, state,
    group and tags are kept and are not part of it, so that a change of these alone makes no new version.
    """

    def __init__(self, out, task, class_names, class_keys):
        self._lines = gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=5)
        self._digest = _digest_of_header(task, class_names, class_keys)
        self._last = ""
        header = {"format": FORMAT, "task": task, "class_names": class_names, "class_keys": class_keys}
        self._lines.write(_line(header))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self._lines.close()

    def add(self, entry):
        """Write an entry; raises ValueError where it is not in the order of the hashes."""
        if entry["sha256"] <= self._last:
            raise ValueError("The entries of a manifest come in the order of their hashes, each once.")
        self._last = entry["sha256"]
        self._lines.write(_line(entry))
        self._digest.update(_content(entry))

    @property
    def content_hash(self):
        return self._digest.hexdigest()


def content_hash_of(header, entries):
    """The content hash of entries that are in the order of their hashes."""
    digest = _digest_of_header(header["task"], header["class_names"], header["class_keys"])
    for entry in entries:
        digest.update(_content(entry))
    return digest.hexdigest()


def read_header(file):
    """The header of a manifest that is open for reading: `{format, task, class_names, class_keys}`."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return _header(next(lines))


def read_entries(file):
    """Yield the entries of a manifest that is open for reading, in the order of the images' hashes."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        header = _header(next(lines))
        if header["format"] >= FORMAT:
            yield from map(json.loads, lines)
            return
        # Format 1 came in the order of the rows: small enough, in its time, to be sorted in memory.
        yield from sorted(
            (_from_format_1(json.loads(line), header["class_keys"]) for line in lines), key=lambda e: e["sha256"]
        )


def _header(line):
    header = json.loads(line)
    header.setdefault("class_keys", list(range(len(header["class_names"]))))  # format 1: a class was its position
    return header


def _from_format_1(entry, keys):
    boxes = [[keys[box[0]], *box[1:5], box[5] if len(box) > 5 else None, None, ""] for box in entry["boxes"]]
    return {**DETAILS, **entry, "boxes": boxes}


def _digest_of_header(task, class_names, class_keys):
    return hashlib.sha256(_line([task, [list(pair) for pair in zip(class_keys, class_names, strict=True)]]))


def _content(entry):
    boxes = [box[:6] for box in entry["boxes"]]
    boxes.sort(key=lambda box: (box[:5], box[5] or []))
    return _line([entry["sha256"], entry["split"], entry["labeled"], boxes])


def _line(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
