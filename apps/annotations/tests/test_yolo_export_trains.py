"""An exported YOLO archive, unpacked anywhere, is what `yolo detect train` takes: unchanged, no label found corrupt."""

import importlib.util
import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from apps.annotations.services.exports import start_export
from apps.annotations.services.labels import save_labels
from apps.datasets import services as datasets
from conftest import box, upload

from .archives import photo, sideways

YOLO = Path(sys.executable).parent / "yolo"
SCAN = re.compile(r"(\d+) images, (\d+) backgrounds, (\d+) corrupt")


@pytest.mark.once
@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="ultralytics is not installed")
@pytest.mark.parametrize("task", ["detect", "segment"])
def test_export_trains_by_the_command_line_of_ultralytics(run_jobs, alice, tmp_path, task):
    dataset = datasets.create_dataset(alice, "Tiny", task=task, class_names=["no", "zwei “Zellen”: 2"])
    files = [upload(f"{n}.png", photo(n)) for n in range(5)] + [upload("side.jpg", sideways())]
    for number, image in enumerate(datasets.add_images(dataset, files)["created"]):
        image.dataset = dataset
        points = [[0.1, 0.1], [0.9, 0.2], [0.5, 0.95]] if task == "segment" and number % 2 else None
        labels = [box(number % 2, points=points), box(1, x=0.9, width=0.2), box(0, width=1, height=1)]
        save_labels(image, 0, labels if number != 2 else [], alice)
        datasets.set_split(dataset, dataset.images.filter(pk=image.pk), "val" if number > 3 else "train")
    with run_jobs():
        job = start_export(alice, dataset, format="yolo")
    job.refresh_from_db()
    with job.file.open("rb") as file, zipfile.ZipFile(io.BytesIO(file.read())) as archive:
        archive.extractall(tmp_path / "unpacked")
    said = train(tmp_path, task)
    scans = {tuple(map(int, found)) for found in SCAN.findall(said)}
    assert scans == {(4, 1, 0), (2, 0, 0)}, said
    (weights,) = tmp_path.glob("runs/**/best.pt")
    assert weights.stat().st_size > 0


def train(folder, task):
    """Train for an epoch, in a folder that is not the archive's; returns what was said."""
    (folder / "elsewhere").mkdir()
    model = "yolov8n.yaml" if task == "detect" else "yolov8n-seg.yaml"
    ran = subprocess.run(
        [YOLO, task, "train", f"data={folder}/unpacked/data.yaml", f"model={model}", "epochs=1", "imgsz=32", "batch=2",
         "device=cpu", "workers=0", "plots=False", f"project={folder}/runs"],
        cwd=folder / "elsewhere", capture_output=True, text=True, timeout=300, check=False,
        env={
            "PATH": "/usr/bin:/bin", "HOME": str(folder), "YOLO_CONFIG_DIR": str(folder), "YOLO_OFFLINE": "true",
            "OMP_NUM_THREADS": "1",
        },
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    return ran.stdout + ran.stderr
