"""How long an import takes, and how much memory: `python benchmarks/import_archive.py [--images 5000] [--boxes 20]`.

Draws an archive of Pascal VOC (640 × 480 JPEGs), puts it where a finished upload lies, and measures a real worker
process, as it runs in production on two cores, from there to the end of the job, when every image can be used. The
memory is the worker's high-water mark (VmHWM).
"""

import argparse
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
MOST_SECONDS, MOST_MB = 60, 400
WIDTH, HEIGHT = 640, 480
CLASSES = ("RBC", "WBC", "platelet", "debris")


def draw_archive(path, images, boxes):
    """A VOC archive of drawn pictures; returns its size in bytes."""
    from PIL import Image, ImageDraw

    rng = random.Random(1)
    grounds = []
    for _ in range(20):
        small = Image.effect_noise((160, 120), 40).convert("RGB")
        grounds.append(small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(images):
            picture = grounds[number % len(grounds)].copy()
            pen, objects = ImageDraw.Draw(picture), []
            for _ in range(boxes):
                x, y, side = rng.randrange(WIDTH - 60), rng.randrange(HEIGHT - 60), rng.randrange(12, 60)
                pen.ellipse([x, y, x + side, y + side], fill=tuple(rng.randrange(256) for _ in range(3)))
                objects.append((rng.choice(CLASSES), x, y, x + side, y + side))
            out = io.BytesIO()
            picture.save(out, "JPEG", quality=88)
            archive.writestr(f"VOC/JPEGImages/{number:06}.jpg", out.getvalue())
            archive.writestr(f"VOC/Annotations/{number:06}.xml", voc(f"{number:06}.jpg", objects))
    return path.stat().st_size


def voc(filename, objects):
    rows = "".join(
        f"<object><name>{name}</name><difficult>0</difficult><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for name, x1, y1, x2, y2 in objects
    )
    size = f"<size><width>{WIDTH}</width><height>{HEIGHT}</height><depth>3</depth></size>"
    return f"<annotation><filename>{filename}</filename>{size}{rows}</annotation>"


def peak_mb(pid):
    """The high-water mark of a process's memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def cpu_seconds(pid):
    """What a process has used of the cores, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(archive, images, boxes):
    """Import `archive` by a worker process; returns (seconds, peak MB, seconds of one core)."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from apps.accounts.services import register_user
    from apps.annotations.models import Annotation
    from apps.annotations.services.imports import start_import
    from apps.core.models import Upload
    from apps.core.uploads import create_upload, pieces_path, take_upload
    from apps.datasets.services import create_dataset
    from yolotrainer.supervisor import commands

    call_command("migrate", verbosity=0)
    user = register_user("bench", "bench@localhost.localdomain", "benchmark-1234")
    upload = create_upload(user, "drawn.zip", archive.stat().st_size)
    shutil.move(archive, pieces_path(upload))
    dataset = create_dataset(user, "Benchmark")
    wanted = dict(commands("127.0.0.1", 0))
    processes = {}
    try:
        processes["valkey"] = subprocess.Popen(wanted["valkey"], start_new_session=True)
        processes["worker"] = subprocess.Popen(wanted["worker"], cwd=settings.BASE_DIR, start_new_session=True)
        wait_for_worker()
        began, used = time.monotonic(), cpu_seconds(processes["worker"].pid)
        job = start_import(user, dataset, take_upload(Upload.objects.get(pk=upload.pk)), filename="drawn.zip")
        while job.is_active:
            time.sleep(0.1)
            job.refresh_from_db()
        seconds, peak = time.monotonic() - began, peak_mb(processes["worker"].pid)
        used = cpu_seconds(processes["worker"].pid) - used
    finally:
        for process in reversed(processes.values()):
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    dataset.refresh_from_db()
    found = (job.status, dataset.num_images, dataset.num_labeled, Annotation.objects.of(dataset).count())
    assert found == ("completed", images, images, images * boxes), (found, job.error_message, job.traceback)
    return seconds, peak, used


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--boxes", type=int, default=20, help="on each image")
    wanted = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)
    folder = Path(tempfile.mkdtemp(prefix="yt-import-"))
    os.environ |= {"DATA_DIR": str(folder / "data"), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings"}
    try:
        archive = folder / "drawn.zip"
        size = draw_archive(archive, wanted.images, wanted.boxes)
        total = wanted.images * wanted.boxes
        print(f"{wanted.images} images, {total} boxes, {size / 2**20:.0f} MB, on {len(cores)} cores,", end=" ")
        print(f"load before {os.getloadavg()[0]:.1f}", flush=True)
        seconds, peak, used = measure(archive, wanted.images, wanted.boxes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'':22}{'measured':>10}{'at most':>10}")
    print(f"{'seconds to all usable':22}{seconds:10.1f}{MOST_SECONDS:10}")
    print(f"{'peak memory, MB':22}{peak:10.0f}{MOST_MB:10}")
    print(f"{'seconds of one core':22}{used:10.1f}")
    print(f"load after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
