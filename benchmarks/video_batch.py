"""A video as a batch of predictions: frames a second, and the memory that it takes.

    python benchmarks/video_batch.py [--zip images.zip --start best.pt] [--video film.mp4] [--seconds 30]
    python benchmarks/video_batch.py --url http://127.0.0.1:8000 --token … --model-id 1

Starts a platform of its own with a yolov8n that was trained for an epoch, or takes one that runs. Without `--video`
one of 640 × 360 pixels at 30 frames a second is drawn: discs that move. It is sent once for the answers alone, once
with tracks, and once with tracks and a drawn video; the seconds are the job's, from its making to its end: queueing,
loading the model and the tracker's libraries included. Memory is the largest resident size of the batch's own
processes and of the worker that starts them, looked at five times a second: of all such processes on this machine, so
nothing else should run a video meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import av
import numpy as np
import psutil
import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import infer_http

SHAPES = 8
PROCESSES = {"inference.engine.read": "decoder", "inference.engine.track": "tracker", "inference.engine.draw": "drawer"}
RUNS = (
    ("answers", {"tracks": "false", "draw": "false"}),
    ("with tracks", {"tracks": "true", "draw": "false"}),
    ("tracks and drawing", {"tracks": "true", "draw": "true"}),
)


def main() -> None:
    options = read_options()
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory())
        if not options.url:
            start(options, stack, Path(scratch) / "data")
        video = options.video or draw(Path(scratch) / "discs.mp4", options.seconds)
        print(f"{video.name}, {video.stat().st_size / 1e6:.1f} MB\n")
        print(f"{'':<20} {'frames':>7} {'seconds':>8} {'frames/s':>9}   largest resident MB")
        for words, asked in RUNS:
            job, peaks = run(options, video, asked)
            frames, seconds = job["result"]["figures"]["frames"], seconds_of(job)
            memory = ", ".join(f"{name} {peak >> 20}" for name, peak in sorted(peaks.items()))
            print(f"{words:<20} {frames:>7} {seconds:>8.1f} {frames / seconds:>9.1f}   {memory}")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of a platform that runs, with --token and --model-id")
    parser.add_argument("--token", help="of a scope that may infer and read")
    parser.add_argument("--model-id", type=int)
    parser.add_argument("--zip", type=Path, help="an archive with labelled images to train on, instead of the sample")
    parser.add_argument("--start", type=Path, help="a .pt to begin the training with, instead of from nothing")
    parser.add_argument("--size", type=int, default=320, help="pixels that the model is trained at")
    parser.add_argument("--video", type=Path)
    parser.add_argument("--seconds", type=int, default=30)
    return parser.parse_args()


def start(options: argparse.Namespace, stack: contextlib.ExitStack, folder: Path) -> None:
    """A platform with a deployed model, stopped with `stack`; writes how to ask it into the options."""
    from yolotrainer.demo import deploy, running_platform, sign_in

    folder.mkdir()
    _, options.url = stack.enter_context(running_platform(folder))
    api = sign_in(options.url, folder)
    given = options.zip and infer_http.import_archive(api, options.zip)
    dataset = given or api("GET", "datasets/?search=sample")["results"][0]
    weights = infer_http.upload_weights(api, options.start, dataset) if options.start else "scratch"
    options.model_id = infer_http.train(api, dataset, options.size, 1, weights)
    deploy(api, options.model_id)
    options.token = api("POST", "auth/tokens", json={"name": "video", "scope": "infer read"})["token"]


def draw(path: Path, seconds: int) -> Path:
    """A video of moving discs on a gray ground."""
    ys, xs = np.mgrid[:360, :640]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(30 * seconds):
            pixels = np.full((360, 640, 3), 110, np.uint8)
            for shape in range(SHAPES):
                x, y = (80 * shape + 2 * number) % 640, 180 + 120 * np.sin(shape + number / 40)
                pixels[(xs - x) ** 2 + (ys - y) ** 2 < 24**2] = (40 * shape % 256, 200, 90)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def run(options, video: Path, asked: dict) -> tuple[dict, dict[str, int]]:
    """(the job at its end, {process: bytes})."""
    headers, peaks = {"Authorization": f"Token {options.token}"}, defaultdict(int)
    with video.open("rb") as file:
        data = {"model_id": options.model_id, **asked}
        answer = requests.post(
            f"{options.url}/api/v1/predictions/batch", data, files={"video": file}, headers=headers, timeout=600
        )
    answer.raise_for_status()
    job = answer.json()
    while job["status"] in ("pending", "running"):
        look(peaks)
        time.sleep(0.2)
        job = requests.get(f"{options.url}/api/v1/jobs/{job['id']}", headers=headers, timeout=60).json()
    if job["status"] != "completed":
        raise SystemExit(f"The job {job['status']}: {job['error']}")
    return job, peaks


def seconds_of(job: dict) -> float:
    start, end = (datetime.fromisoformat(job[name]) for name in ("created_at", "completed_at"))
    return (end - start).total_seconds()


def look(peaks: dict[str, int]) -> None:
    """Note how large the batch's own processes and their worker are now."""
    for process in psutil.process_iter(["cmdline", "memory_info"]):
        command = " ".join(process.info["cmdline"] or ())
        name = next((words for part, words in PROCESSES.items() if part in command), None)
        if name is None or not process.info["memory_info"]:
            continue
        peaks[name] = max(peaks[name], process.info["memory_info"].rss)
        with contextlib.suppress(psutil.Error):
            peaks["worker"] = max(peaks["worker"], process.parent().memory_info().rss)


if __name__ == "__main__":
    main()
