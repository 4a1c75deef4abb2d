"""A video as a batch of predictions on a platform that runs: frames a second, and the memory that it takes.

    python benchmarks/video_batch.py http://127.0.0.1:8000 --token … --model-id 1 [--video film.mp4] [--seconds 30]

Without `--video` one of 640 × 360 pixels at 30 frames a second is drawn: discs that move. It is sent once for the
answers alone, once with tracks, and once with tracks and a drawn video; the seconds are the job's, from its making to
its end: queueing, loading the model and the tracker's libraries included. Memory is the largest resident size of the
batch's own processes and of the worker that starts them, looked at five times a second: of all such processes on this
machine, so nothing else should run a video meanwhile.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
import time
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import av
import numpy as np
import psutil
import requests

SHAPES = 8
PROCESSES = {"inference.engine.read": "decoder", "inference.engine.track": "tracker", "inference.engine.draw": "drawer"}
RUNS = (
    ("answers", {"tracks": "false", "draw": "false"}),
    ("with tracks", {"tracks": "true", "draw": "false"}),
    ("tracks and drawing", {"tracks": "true", "draw": "true"}),
)


def main() -> None:
    options = read_options()
    with tempfile.TemporaryDirectory() as scratch:
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
    parser.add_argument("url")
    parser.add_argument("--token", required=True, help="of a scope that may infer and read")
    parser.add_argument("--model-id", type=int, required=True)
    parser.add_argument("--video", type=Path)
    parser.add_argument("--seconds", type=int, default=30)
    return parser.parse_args()


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
