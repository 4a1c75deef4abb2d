"""Whole archives of every format, for formats_fuzz.py to mangle."""

import json

from .formats_helpers import box, export, labels, png

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
            "V/Annotations/a.xml": '<?xml version="1.0" encoding="gbk"?><annotation><filename>a.jpg</filename>'
                                   '<path>x\\a.jpg</path><object><name>a</name><bndbox><xmax>9</xmax><xmin>1</xmin>'
                                   '<ymin>2</ymin><ymax>5</ymax></bndbox></object></annotation>',
            "V/JPEGImages/a.jpg": png(64, 48),
            "V/ImageSets/Main/train.txt": "a\n",
            "V/ImageSets/Main/a_val.txt": "a -1\n",
            "labelmap.txt": "# label:color\nbackground:0,0,0::\na:1,2,3::\n",
        }
    ],
}  # fmt: skip
