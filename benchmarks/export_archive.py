"""How long an export with images takes, and how much memory: `python benchmarks/export_archive.py [--format yolo]`.

Draws 5,000 JPEGs of 640 × 480 with 100,000 boxes straight into a dataset, and measures a real worker process, as it
runs in production on two cores, from the wish to the stored archive that can be downloaded. The memory is the worker's
high-water mark (VmHWM). The archive is read back whole, its pictures and label rows counted.
"""

import argparse
import hashlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
MOST_SECONDS = 20
WIDTH, HEIGHT = 640, 480
CLASSES = ["RBC", "WBC", "platelet", "debris"]


def fill(user, images, boxes):
    """A dataset of drawn pictures with labels; returns it."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from PIL import Image

    from apps.annotations.models import Annotation
    from apps.datasets.models import DatasetImage
    from apps.datasets.services import create_dataset, refresh_counts

    rng = random.Random(1)
    dataset = create_dataset(user, "Benchmark", class_names=CLASSES)
    ground = Image.effect_noise((160, 120), 40).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    rows = []
    for number in range(images):
        ground.putpixel((number % WIDTH, number // WIDTH), (number % 256, number // 256 % 256, 99))
        out = io.BytesIO()
        ground.save(out, "JPEG", quality=88, comment=str(number).encode())
        sha256 = hashlib.sha256(out.getvalue()).hexdigest()
        name = f"datasets/{dataset.pk}/images/{sha256}.jpg"
        default_storage.save(name, ContentFile(out.getvalue()))
        rows.append(DatasetImage(
            dataset=dataset, filename=f"{number:06}.jpg", file=name, thumbnail=name, sha256=sha256,
            num_bytes=out.tell(), width=WIDTH, height=HEIGHT, is_labeled=True, state="labelled", num_boxes=boxes,
            split=("train", "train", "train", "val")[number % 4], revision=1,
        ))  # fmt: skip
    rows = DatasetImage.objects.bulk_create(rows, batch_size=500)
    Annotation.objects.bulk_create(
        (
            Annotation(
                image=row, class_key=rng.randrange(4), x_center=rng.uniform(0.1, 0.9), y_center=rng.uniform(0.1, 0.9),
                width=rng.uniform(0.02, 0.2), height=rng.uniform(0.02, 0.2),
            )
            for row in rows
            for _ in range(boxes)
        ),
        batch_size=5000,
    )  # fmt: skip
    refresh_counts(dataset)
    return dataset


def peak_mb(pid):
    """The high-water mark of a process's memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def measure(images, boxes, format):
    """Export by a worker process; returns (seconds, peak MB, MB of the archive)."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from apps.accounts.services import register_user
    from apps.annotations.services.exports import start_export
    from yolotrainer.supervisor import commands

    call_command("migrate", verbosity=0)
    user = register_user("bench", "bench@localhost.localdomain", "benchmark-1234")
    dataset = fill(user, images, boxes)
    wanted, processes = dict(commands("127.0.0.1", 0)), {}
    try:
        processes["valkey"] = subprocess.Popen(wanted["valkey"], start_new_session=True)
        processes["worker"] = subprocess.Popen(wanted["worker"], cwd=settings.BASE_DIR, start_new_session=True)
        wait_for_worker()
        before, began = peak_mb(processes["worker"].pid), time.monotonic()
        job = start_export(user, dataset, format)
        while job.is_active:
            time.sleep(0.05)
            job.refresh_from_db()
        seconds, peak = time.monotonic() - began, peak_mb(processes["worker"].pid)
    finally:
        for process in reversed(processes.values()):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    assert job.status == "completed", (job.error_message, job.traceback)
    print(f"the worker had {before:.0f} MB before")
    check(job, images, images * boxes, format)
    return seconds, peak, job.result["bytes"] / 2**20


def check(job, images, boxes, format):
    """Every picture is in the archive, unbroken, and so is every box."""
    with job.file.open("rb") as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert sum(name.endswith(".jpg") for name in names) == images
        if format == "yolo":
            rows = sum(archive.read(name).count(b"\n") for name in names if name.endswith(".txt"))
            assert rows == boxes, rows
    assert (job.result["images"], job.result["boxes"]) == (images, boxes)


def wait_for_worker():
    from celery import current_app

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if current_app.control.ping(timeout=1):
                return
        except OSError:
            time.sleep(0.2)
    sys.exit("The worker does not answer.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--boxes", type=int, default=20, help="on each image")
    parser.add_argument("--format", default="yolo")
    wanted = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)
    folder = Path(tempfile.mkdtemp(prefix="yt-export-"))
    os.environ |= {"DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings"}
    try:
        print(f"{wanted.images} images, {wanted.images * wanted.boxes} boxes as {wanted.format},", end=" ")
        print(f"{len(cores)} cores, load before {os.getloadavg()[0]:.1f}", flush=True)
        seconds, peak, size = measure(wanted.images, wanted.boxes, wanted.format)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'':24}{'measured':>10}{'at most':>10}")
    print(f"{'seconds to the archive':24}{seconds:10.1f}{MOST_SECONDS:10}")
    print(f"{'peak memory, MB':24}{peak:10.0f}{'':>10}")
    print(f"{'the archive, MB':24}{size:10.0f}{'':>10}")
    print(f"load after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
