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

from .formats_helpers import MemorySource, box, export, labels, png

TRIANGLE = (0.1, 0.2, 0.5, 0.2, 0.3, 0.6)
HISTORY = {"number": 1, "author": "alice", "time": "2026-01-02T03:04:05Z", "kind": "edit", "annotations": [
    {"class_index": 0, "x_center": 0.5, "y_center": 0.5, "width": 0.1, "height": 0.1, "points": None, "source": "model"}
]}  # fmt: skip
EXTRA = {"group": "film", "state": "reviewed", "source": "a.zip", "tags": ["night"], "revisions": [HISTORY]}


def originals(format):
    """Whole archives of the format: our exports, and what only other tools write."""
    images = [
        labels("0.jpg", box(0), box(1, 0.2, 0.2, 0.1, 0.1, confidence=0.5, source="model"), split="train", extra=EXTRA),
        labels("1.png", box(1), box(0, 0.3, 0.4, 0.4, 0.4, points=TRIANGLE), split="val"),
        labels("2.jpg", split="test"),
    ]
    found = [export(format, ["cat", "dog"], images, task=task) for task in ("detect", "segment")]
    return [as_bytes(files) for files in (*found, *OTHERS.get(format, []))]


def as_bytes(files):
    return {name: content.encode() if isinstance(content, str) else content for name, content in files.items()}


def _region(kind, value, **more):
    return {"id": "r", "type": kind, "value": value, "original_width": 64, "original_height": 48, **more}


_LABEL_STUDIO = [
    {
        "data": {"image": "/data/upload/1/0123abcd-a.jpg", "split": "train"},
        "annotations": [
            {"result": [_region("ellipselabels", {"x": 5, "y": 5, "radiusX": 3, "radiusY": 2, "rotation": 9,
                                                  "ellipselabels": ["a"]})], "updated_at": "2024", "completed_by": 1},
            {"result": [_region("rectangle", {"x": 5, "y": 5, "width": 9, "height": 9, "rotation": 45}),
                        _region("labels", {"x": 5, "y": 5, "width": 9, "height": 9, "rotation": 45, "labels": ["b"]}),
                        _region("choices", {"choices": ["x"]})], "ground_truth": True, "completed_by": {"email": "x"}},
        ],
    },
    {"data": {"x": "s3://b/b.jpg?x=1"}, "predictions": [{"result": [_region("rectanglelabels", {
        "x": 5, "y": 5, "width": 9, "height": 9, "rotation": 45, "rectanglelabels": ["b"]}, original_width=None)],
        "score": 0.5, "model_version": "v"}]},
    {"image": "/tasks/1/resolve/?fileuri=czM6Ly9iL2MuanBn", "label": [{"x": 1, "y": 1, "width": 5, "height": 5,
     "rectanglelabels": ["a"], "original_width": 6, "original_height": 4}], "annotation_id": 1, "lead_time": 2},
]  # fmt: skip
_PICTURES = {"a.jpg": png(64, 48), "b.jpg": png(64, 48), "sub/c.jpg": b"<html>"}
_SHAPES = "".join(
    f'<{shape} label="a" {attributes}/>\n'
    for shape, attributes in [
        ("box", 'xtl="1" ytl="2" xbr="9" ybr="8" rotation="30.5" source="auto"'),
        ("ellipse", 'cx="9" cy="9" rx="3" ry="2" rotation="10"'),
        ("mask", 'rle="1,2" left="1" top="1" width="5" height="5"'),
        ("polyline", 'points="1,2;3,4"'),
        ("polygon", 'points="1,2;3,4;5,1"'),
        ("skeleton", ""),
        ("tag", ""),
    ]
)
OTHERS = {
    "labelstudio": [{"e.json": json.dumps(_LABEL_STUDIO), "classes.txt": "b\na\n", **_PICTURES}],
    "labelme": [
        {
            "a.json": json.dumps({"version": "5", "imageData": "AAAA", "imagePath": "..\\x\\a.jpg", "shapes": [
                {"label": "a", "points": [[9, 9], [12, 12]], "shape_type": "circle"},
                {"label": "b", "points": [[9, 9], [12, 12]], "shape_type": "mask", "mask": "x"},
                {"label": "b", "points": [[9, 9]], "shape_type": "point"},
                {"label": "b", "points": [[9, 9], [12, 12], [1, 9], [2, 2]], "shape_type": "rotation"}]}),
            "labels.txt": "__ignore__\nb\n",
            **_PICTURES,
        }
    ],
    "cvat": [{"x/annotations.xml": f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><meta><job><labels><label>'
              f'<name>a</name><color>#fff000</color><parent>q</parent></label></labels></job></meta><image id="0" '
              f'name="sub\\a.jpg" subset="Train">{_SHAPES}</image><image name="b.jpg" width="9" height="9"/>'
              f'<track id="0"/></annotations>', **_PICTURES}],
    "coco": [
        {
            f"annotations/instances_{split}.json": json.dumps({
                "images": [{"id": "7", "file_name": f"{split}/a.jpg"}, {"id": 8, "file_name": "b.jpg", "width": 9,
                                                                        "height": 9}],
                "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "iscrowd": 0, "score": 0.5,
                                 "segmentation": [[1, 2, 3, 4, 5, 1], [1, 1, 2, 2, 1, 2]]},
                                {"image_id": 8, "category_id": "5", "bbox": [1, 2, 3, 4],
                                 "segmentation": {"counts": "x", "size": [9, 9]}}],
                "categories": [{"id": 3, "name": "a", "supercategory": "b"}, {"id": "5", "name": "b"}],
            })
            for split in ("train", "val")
        } | {"train/a.jpg": png(9, 9), "val/a.jpg": png(9, 9), "b.jpg": b""}
    ],
    "yolo": [
        {
            "data.yaml": "path: /x\ntrain: train.txt\nval: [images/val, more]\nkpt_shape: [2, 3]\n"
                         "names:\n  0: no\n  2: on\n",
            "train.txt": "./images/a.jpg\n", "images/a.jpg": b"", "images/val/b.jpg": b"",
            "labels/a.txt": "0 .5 .5 .2 .2 .4 .4 2 .6 .6 1\n2 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5\n",
            "labels/val/b.txt": "0 .5 .5 .2 .2 .9\r\n",
        },
        {"obj.data": "train = data/train.txt\nnames = data/obj.names\n", "obj.names": "a\nb\n",
         "train.txt": "data/obj/a.jpg\n", "obj/a.jpg": b"", "obj/a.txt": "1 .5 .5 .2 .2\n"},
    ],
    "voc": [
        {
            "V/Annotations/a.xml": '<?xml version="1.0" encoding="gbk"?><annotation><filename>a.jpg</filename><path>x\\a'
                                   '.jpg</path><object><name>a</name><bndbox><xmax>9</xmax><xmin>1</xmin><ymin>2</ymin>'
                                   '<ymax>5</ymax></bndbox></object></annotation>',
            "V/JPEGImages/a.jpg": png(64, 48), "V/ImageSets/Main/train.txt": "a\n", "V/ImageSets/Main/a_val.txt": "a -1\n",
            "labelmap.txt": "# label:color\nbackground:0,0,0::\na:1,2,3::\n",
        }
    ],
}  # fmt: skip

SPICE = [
    *(
        b"\0",
        b"\xff",
        b"\xef\xbb\xbf",
        b"nan",
        b"-1",
        b"1e999",
        b"1e-320",
        b"9" * 5000,
        b"{",
        b"[" * 3000,
        b"<",
        b"&x;",
    ),
    *(
        b"\r\n",
        b" ",
        b'"',
        b"null",
        b"[]",
        b"<!DOCTYPE",
        b"*a",
        b"&a",
        b"0.5",
        b"99",
        b"\xe2\x80\xa8",
        b":",
        b"\xed\xa0\x80",
    ),
    *(
        b"\\ud800",
        b"\\",
        b"NaN",
        b"Infinity",
        b"-0",
        b"true",
        b"/",
        b"..",
        b"%",
        b";",
        b",",
        b"#",
        b"<a>",
        b"</a>",
        b"]]>",
    ),
]
VALUES = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 10**400, 1e308, -1e308, 5e-324, float("nan"), float("inf"), -0.0),
    *(
        "",
        " ",
        "a",
        "0",
        "nan",
        "1e999",
        "\ud800",
        "\0",
        "x" * 300,
        "../../a.jpg",
        "C:\\a.jpg",
        "//[",
        "data:image/png,",
    ),
    *([], {}, [[]], [{}], [None], [[1, 2]], [1, 2, 3, 4], {"a": 1}, [["a", "b"]] * 3, ["a", "b"]),
]
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
    changed = [
        f"x/{name}",
        name.upper(),
        name[::-1],
        f"test/{name}",
        name.replace(".", ".."),
        f"{name} ",
        f"{name}.txt",
    ]
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
    lines = []
    for line in (
        content.decode("utf-8", "replace").splitlines() if b"\n{" in content else [content.decode("utf-8", "replace")]
    ):
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
    assert all(name == name.strip() and name and name.isprintable() for name in names), names
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
