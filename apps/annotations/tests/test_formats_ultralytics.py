"""Ultralytics itself reads an export, in a process of its own because it brings torch along."""

import importlib.util
import json
import subprocess
import sys

import pytest

from .formats_helpers import box, export, labels, png

READ_BY_ULTRALYTICS = """
import json, sys
from ultralytics.data.dataset import YOLODataset
from ultralytics.data.utils import check_det_dataset

data = check_det_dataset(sys.argv[1])
found = {"names": data["names"]}
for split in ("train", "val"):
    dataset = YOLODataset(img_path=data[split], data=data, task=sys.argv[2], imgsz=64, augment=False)
    found[split] = [[len(label["cls"]), len(label["segments"])] for label in dataset.labels]
print(json.dumps(found))
"""


@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="ultralytics is not installed")
@pytest.mark.parametrize(("task", "segments"), [("detect", 0), ("segment", 1)])
def test_ultralytics_takes_an_export_from_any_folder_as_it_is(tmp_path, task, segments):
    polygon = box(1, 0.3, 0.4, 0.4, 0.4, points=(0.1, 0.2, 0.5, 0.2, 0.3, 0.6))
    images = [
        labels("a.png", box(0), polygon, split="train"),
        labels("b.png", split="train"),
        labels("c.png", box(1, 0.5, 0.5, 1, 1), split="val"),
    ]
    for name, content in export("yolo", ["no", "two words"], images, task=task).items():
        path = tmp_path / "export" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(64, 48) if name.startswith("images/") else content)
    (tmp_path / "elsewhere").mkdir()
    answer = subprocess.run(
        [sys.executable, "-c", READ_BY_ULTRALYTICS, str(tmp_path / "export/data.yaml"), task],
        cwd=tmp_path / "elsewhere",
        env={
            "PATH": "/usr/bin:/bin",
            "YOLO_CONFIG_DIR": str(tmp_path),
            "YOLO_OFFLINE": "1",
            "HOME": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout.splitlines()[-1])
    assert found["names"] == {"0": "no", "1": "two words"}
    assert found["train"] == [[2, 2 * segments], [0, 0]]
    assert found["val"] == [[1, segments]]
