"""Decode a video behind walls and hand its frames over: `python -m apps.inference.engine.read job.json`.

The job: {"video", "folder": the only folder where this process may write, "every", "fps", "skip", "max_pixels",
"max_frames"}. On stdout a line of JSON a message; a frame's line is followed by its `bytes` bytes, a BMP::

    {"event": "opened", "codec", "width", "height", "frame_rate", "seconds", "frames": in the file, "wanted": of those}
    {"event": "frame", "number", "time", "bytes"}
    {"event": "passed", "number": how many frames were decoded}   now and then, where frames are passed over
    {"event": "finished", "frames": decoded, "broken": places that could not be}
    {"event": "refused", "message"}                               a sentence for people

Whoever reads slowly slows the decoding: nothing is decoded ahead but what the pipe holds.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path

import numpy as np

from apps.inference.engine.frames import READ_PER_ANSWER, BadVideo, Video, Wanted
from apps.models.engine.answering import die_with_parent
from apps.models.engine.sandbox import SandboxError, lock_in

MEMORY_MB, CPU_SECONDS = 3072, 24 * 3600
PASSED = 50


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    job = json.loads(Path(argv[1]).read_text(encoding="utf-8"))
    try:
        lock_in(job["folder"], MEMORY_MB, CPU_SECONDS)
        die_with_parent()
        read(job, out)
    except BadVideo as reason:
        tell(out, "refused", message=str(reason))
    except SandboxError as error:
        tell(out, "refused", message=f"The video could not be read safely: {error}.")
    except MemoryError:
        tell(out, "refused", message=f"Decoding this video takes more than {MEMORY_MB} MB of memory.")
    return 0


def read(job: dict, out) -> None:
    """Tell what there is and every frame that is wanted. Raises BadVideo."""
    wanted, count = Wanted(job["every"], job["fps"]), 0
    with Video(job["video"], job["max_pixels"]) as video:
        about = video.about
        expected = wanted.of(about["frames"], about["frame_rate"])
        if expected > job["max_frames"]:
            raise too_many(f"about {expected}", job["max_frames"])
        tell(out, "opened", **about, wanted=expected)
        answered = job["skip"]
        for count, frame in enumerate(video.frames(wanted, job["skip"]), 1):
            if frame is not None:
                answered += 1
                data = bitmap(frame.pixels)
                tell(out, "frame", data, number=frame.number, time=frame.time, bytes=len(data))
            elif count % PASSED == 0:
                tell(out, "passed", number=count)
            if answered > job["max_frames"] or count > READ_PER_ANSWER * job["max_frames"]:
                raise too_many("more", job["max_frames"])
        if not count:
            raise BadVideo("No frame of the video can be decoded: it is damaged or cut off.")
        tell(out, "finished", frames=count, broken=video.broken)


def too_many(count: str, most: int) -> BadVideo:
    return BadVideo(
        f"{count} frames would be answered; at most {most} are. Choose every n-th frame, or fewer a second."
    )


def tell(out, event: str, data: bytes = b"", **fields) -> None:
    """One message; a reader that is gone raises BrokenPipeError, which ends this process."""
    out.write(json.dumps({"event": event, **fields}).encode() + b"\n")
    out.write(data)
    out.flush()


def bitmap(pixels: np.ndarray) -> bytes:
    """BGR of shape (height, width, 3) as a BMP file: nothing is lost, and it costs little more than a copy."""
    height, width = pixels.shape[:2]
    row = -(-width * 3 // 4) * 4
    rows = pixels.reshape(height, width * 3)
    if row != width * 3:
        rows = np.pad(rows, ((0, 0), (0, row - width * 3)))
    head = struct.pack("<2sIHHI", b"BM", 54 + row * height, 0, 0, 54)
    info = struct.pack("<IiiHHIIiiII", 40, width, -height, 1, 24, 0, row * height, 2835, 2835, 0, 0)  # from the top
    return head + info + rows.tobytes()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
