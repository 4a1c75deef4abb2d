"""Archives of every format, mangled: what reading them may do is refuse them in words, and nothing else.

Used by the tests with a few, and by benchmarks/fuzz_formats.py with as many as asked.
"""

import io
import json
import math
import random
import re
import zipfile

from apps.annotations.formats import FormatError, detect_format, read
from apps.core.archives import ArchiveError, Limits, open_archive

from .formats_fuzz_archives import originals
from .formats_helpers import MemorySource

# What byte-wise mangling puts in.
SPICE = (
    b'nan -1 1e999 1e-320 { < &x; " null [] <!DOCTYPE *a &a 0.5 99 : \\ud800 \\ NaN Infinity -0 true / .. % ; , # <a>'
)
SPICE = [*SPICE.split(), b"\0", b"\xff", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xed\xa0\x80"]
SPICE += [b"9" * 5000, b"[" * 3000, b"\r\n", b" "]
# What takes the place of values.
VALUES = [None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 1e308, -1e308, 5e-324, float("nan"), float("inf"), -0.0]
VALUES += ["", " ", "a", "0", "nan", "1e999", "\ud800", "\0", "x" * 300, "../../a.jpg"]
VALUES += ["C:\\a.jpg", "//[", "data:image/png,"]
VALUES += [[], {}, [[]], [{}], [None], [[1, 2]], [1, 2, 3, 4], {"a": 1}, [["a", "b"]] * 3, ["a", "b"]]
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff]")
_ATTRIBUTE = re.compile(r'"[^"<>]*"|>[^<>]+<')


def mangled_archive(chance, original):
    files = {}
    for name, content in original.items():
        if chance.random() < 0.03:
            continue
        files[_mangled_name(chance, name)] = _mangled(chance, name, content)
    if chance.random() < 0.05:
        files[chance.choice(["data.yaml", "classes.txt", "x.json", "x.xml", "dataset.ndjson"])] = chance.choice(SPICE)
    return files


def _mangled_name(chance, name):
    if chance.random() > 0.06:
        return name
    changed = [f"x/{name}", name.upper(), name[::-1], f"test/{name}", name.replace(".", ".."), f"{name} "]
    return chance.choice(changed)


def _mangled(chance, name, content):
    if chance.random() < 0.4:
        return content
    if name.endswith(("json",)) and chance.random() < 0.7:
        return _mangled_json(chance, content)
    if name.endswith(".xml") and chance.random() < 0.6:
        return _mangled_text(chance, content, _ATTRIBUTE)
    if name.endswith((".txt", ".yaml", ".data", ".names")) and chance.random() < 0.6:
        return _mangled_text(chance, content, re.compile(r"[^\s,:\[\]]+"))
    for _time in range(chance.choice([1, 1, 3])):
        at, until = sorted(chance.randrange(len(content) + 1) for _end in range(2))
        until = min(until, at + chance.choice([0, 1, 20, 10_000]))
        content = content[:at] + chance.choice([b"", *SPICE]) + content[until:]
    return content


def _mangled_text(chance, content, part):
    text = content.decode("utf-8", "replace")
    found = list(part.finditer(text))
    for match in sorted(chance.sample(found, min(len(found), chance.choice([1, 2]))), key=lambda m: -m.start()):
        value = chance.choice(SPICE).decode("latin-1") if chance.random() < 0.5 else str(chance.choice(VALUES))
        inner = match[0][0] + value + match[0][-1] if match[0][0] in '">' else value
        text = text[: match.start()] + inner + text[match.end() :]
    return text.encode("utf-8", "surrogatepass")


def _mangled_json(chance, content):
    """Other values in the same structure: what byte-wise mangling hardly ever gets to."""
    text, lines = content.decode("utf-8", "replace"), []
    for line in text.splitlines() if "\n{" in text else [text]:
        try:
            value = json.loads(line)
        except ValueError:
            lines.append(line)
            continue
        for _time in range(chance.choice([0, 1, 1, 3])):
            value = _changed(chance, value)
        lines.append(json.dumps(value))
    return "\n".join(lines).encode()


def _changed(chance, value):
    """The value with one node, anywhere in it, replaced, removed or given twice."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        if chance.random() < 0.1:
            return {other: inner for other, inner in value.items() if other != key}
        return {**value, key: _changed(chance, value[key])}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        if chance.random() < 0.1:
            return value[:at] + [value[at]] * chance.choice([0, 2]) + value[at + 1 :]
        return [*value[:at], _changed(chance, value[at]), *value[at + 1 :]]
    return chance.choice(VALUES)


def mangled_zip(chance, files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    data = bytearray(out.getvalue())
    for _time in range(chance.choice([0, 1, 4])):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return io.BytesIO(bytes(data))


def fuzz(format, count, seed=7):
    """Read `count` mangled archives of the format, as it and as whatever they are taken for. Returns how many
    were read and how many refused; any other exception passes through, with the seed that makes it again."""
    tally = {"read": 0, "refused": 0}
    known = originals(format)
    for number in range(count):
        chance = random.Random(f"{format} {seed} {number}")
        files = mangled_archive(chance, chance.choice(known))
        try:
            if number % 5:
                for asked in (format, "auto"):
                    tally[_try(MemorySource(files), asked)] += 1
            else:
                with open_archive(mangled_zip(chance, files), Limits(max_total_bytes=2**26)) as archive:
                    tally[_try(archive, "auto")] += 1
        except (FormatError, ArchiveError):
            tally["refused"] += 1
        except Exception as error:
            error.add_note(f"format {format}, seed {seed}, archive {number}")
            raise
    return tally


def _try(source, asked):
    try:
        if asked == "auto":
            assert detect_format(source).reason
        reading = read(source, asked)
        check_reading(reading)
    except (FormatError, ArchiveError) as error:
        str(error).encode()
        return "refused"
    return "read"


def check_reading(reading):
    """Whatever was in it, what comes out can be stored."""
    names = reading.class_names
    assert len(set(names)) == len(names)
    assert all(name and name == name.strip() and not _CONTROL.search(name) for name in names), names
    for parallel in (reading.category_ids, reading.colors):
        assert len(parallel) in (0, len(names))
    paths = []
    for image in reading.images:
        paths.append(image.path)
        assert image.filename
        assert image.split in ("", "train", "val", "test")
        for found in image.boxes:
            check_box(found, len(names))
        json.dumps(image.extra, allow_nan=False).encode()
    assert paths == sorted(set(paths))
    assert len(paths) == reading.image_count
    for problem in reading.problems.drain():
        str(problem).encode()


def check_box(found, num_classes):
    assert 0 <= found.class_index < num_classes
    numbers = [found.x_center, found.y_center, found.width, found.height, *(found.points or ())]
    assert all(type(value) is float and math.isfinite(value) for value in numbers), numbers
    assert found.width > 0
    assert found.height > 0
    assert found.x_center - found.width / 2 >= -1e-9
    assert found.y_center - found.height / 2 >= -1e-9
    assert found.x_center + found.width / 2 <= 1 + 1e-9
    assert found.y_center + found.height / 2 <= 1 + 1e-9
    assert found.confidence is None or 0 <= found.confidence <= 1
    if found.points:
        assert len(found.points) >= 6
        assert len(found.points) % 2 == 0
        assert min(found.points) >= -1e-9
        assert max(found.points) <= 1 + 1e-9
