"""Our serving runtime beside `YOLO("x.pt").predict`, on the same images, in one run.

    python benchmarks/infer_runtime.py                              drawn 640 × 480 JPEGs, random yolov8n
    python benchmarks/infer_runtime.py --weights best.pt --images val/ --sizes 320 640
    python benchmarks/infer_runtime.py --weights best.pt --zip images.zip

Each side is a process of its own and answers on image files, one after the other, decoding included. The sides
take turns; of each, the round with the best median counts, because whatever else runs on the machine can only
slow it. Parity is of the boxes of confidence 0.25 and more that the weights find, at IoU 0.9. Memory is the
process's peak.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
WARM_UP = 12  # images; enough for the runtime to compile a graph for their shape


def main() -> None:
    options = read_options()
    if options.side:
        print(json.dumps(SIDES[options.side](options)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"YOLO_CONFIG_DIR": f"{scratch}/config", "YOLO_OFFLINE": "1"}
        options.images = [str(path) for path in find_images(options, Path(scratch))]
        options.weights = options.weights or make_weights(Path(scratch))
        name, cores = options.weights.name, os.cpu_count()
        print(f"{len(options.images)} images, {name}, {cores} cores, best of {options.rounds}\n")
        print(f"size  {'':<22} {'p50 ms':>7} {'images/s':>9} {'×':>5} {'found':>8} {'Δ conf':>8} {'MB':>5}")
        for size in options.sizes:
            compare_sides(options, size, Path(scratch))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="a .pt; without one, a random yolov8n that finds things")
    parser.add_argument("--images", type=Path, help="a folder of images")
    parser.add_argument("--zip", type=Path, help="an archive with images")
    parser.add_argument("--limit", type=int, default=60, help="use at most so many images (%(default)s)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[320, 640], help="image sizes (%(default)s)")
    parser.add_argument("--precisions", nargs="+", default=["f32", "bf16"], help="of our runtime (%(default)s)")
    parser.add_argument("--seconds", type=float, default=3, help="of each side in each round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--threads", type=int, default=4, help="callers at once in the last row (%(default)s)")
    for hidden in ("--side", "--job"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    return parser.parse_args()


def find_images(options: argparse.Namespace, scratch: Path) -> list[Path]:
    """The images to use: those given, or drawn ones, the same each time."""
    folder = options.images
    if options.zip:
        folder = scratch / "zip"
        with zipfile.ZipFile(options.zip) as archive:
            names = sorted(name for name in archive.namelist() if Path(name).suffix.lower() in SUFFIXES)
            archive.extractall(folder, names[: options.limit])
    if folder is None:
        folder = draw_images(scratch / "drawn", options.limit)
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)[: options.limit]
    return found or sys.exit(f"There are no images in {folder}.")


def draw_images(folder: Path, count: int) -> Path:
    import cv2

    from apps.models.tests.tiny_weights import drawn_pixels

    folder.mkdir()
    for seed in range(count):
        cv2.imwrite(str(folder / f"{seed:03}.jpg"), drawn_pixels(seed, 640, 480))
    return folder


def make_weights(scratch: Path) -> Path:
    subprocess.run([sys.executable, "-m", "apps.models.tests.tiny_weights", str(scratch)], cwd=ROOT, check=True)
    return scratch / "yolov8n.pt"


def compare_sides(options: argparse.Namespace, size: int, scratch: Path) -> None:
    """Export for this size, measure all sides in turns, print their rows."""
    from apps.inference.runtime import compare_many

    model = scratch / f"export-{size}"
    reference = export(options, size, model, scratch)
    sides = {"ultralytics .pt": {"side": "ultralytics"}}
    for precision in options.precisions:
        sides[f"runtime {precision}"] = {"side": "runtime", "precision": precision, "threads": 1}
    many = {"side": "runtime", "precision": options.precisions[0], "threads": options.threads}
    sides[f"  {options.precisions[0]}, {options.threads} callers"] = many
    best: dict[str, dict] = {}
    for _ in range(options.rounds):
        for name, side in sides.items():
            job = side | {"size": size, "model": str(model), "weights": str(options.weights)}
            measured = run_side(job | {"images": options.images, "seconds": options.seconds})
            if name not in best or measured["per_second"] > best[name]["per_second"]:
                best[name] = measured
    base = best["ultralytics .pt"]["per_second"]
    for name, row in best.items():
        parity = compare_many(zip(reference, row["boxes"], strict=True)) if row["boxes"] else None
        agree = f"{parity.share:8.2%} {parity.max_confidence_difference:8.4f}" if parity else f"{'':>17}"
        speed = f"{row['p50']:7.1f} {row['per_second']:9.1f} {row['per_second'] / base:5.2f}"
        print(f"{size:>4}  {name:<22} {speed} {agree} {row['megabytes']:5.0f}", flush=True)


def export(options: argparse.Namespace, size: int, model: Path, scratch: Path) -> list[list]:
    """Export with the engine; the weights' own boxes on each image."""
    job = {
        "weights": str(options.weights),
        "output": str(model),
        "imgsz": size,
        "check_images": options.images,
    }
    (scratch / "export.json").write_text(json.dumps(job))
    done = subprocess.run(
        [sys.executable, "-m", "apps.models.engine.export", str(scratch / "export.json")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    event = json.loads(done.stdout.splitlines()[-1])
    if event["event"] != "finished":
        sys.exit(event["message"])
    return [image["boxes"] for image in event["reference"]["images"]]


def run_side(job: dict) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, "--side", job["side"], "--job", json.dumps(job)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure_ultralytics(options: argparse.Namespace) -> dict:
    job = json.loads(options.job)
    from ultralytics import YOLO

    model = YOLO(job["weights"])

    def predict(path: str):
        return model.predict(path, imgsz=job["size"], device="cpu", verbose=False)[0].boxes.data.tolist()

    return measure(predict, job, threads=1)


def measure_runtime(options: argparse.Namespace) -> dict:
    job = json.loads(options.job)
    from apps.inference.runtime import load

    runtime = load(job["model"], precision=job["precision"])
    measured = measure(lambda path: runtime.predict(path).boxes, job, threads=job["threads"])
    low = [runtime.predict(path, conf=0.05).boxes for path in job["images"]] if job["threads"] == 1 else []
    return measured | {"boxes": low}


def measure(predict, job: dict, threads: int) -> dict:
    """Median milliseconds of one call and images a second of all callers together."""
    for path in (job["images"] * WARM_UP)[:WARM_UP]:
        predict(path)
    started = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        timed = list(pool.map(lambda number: call_for(job["seconds"], predict, job["images"], number), range(threads)))
    elapsed = time.perf_counter() - started
    times = [seconds for one in timed for seconds in one]
    p50 = statistics.median(times)
    return {
        "p50": p50 * 1000,
        "per_second": 1 / p50 if threads == 1 else len(times) / elapsed,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "boxes": [],
    }


def call_for(seconds: float, predict, images: list[str], start: int) -> list[float]:
    """Call for so long; how long each call took, in seconds."""
    times, end = [], time.perf_counter() + seconds
    for path in cycle(images[start:] + images[:start]):
        before = time.perf_counter()
        if before > end:
            return times
        predict(path)
        times.append(time.perf_counter() - before)
    return times


SIDES = {"ultralytics": measure_ultralytics, "runtime": measure_runtime}

if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
