"""Draw stored boxes into the video that they were found in: `python -m apps.inference.engine.draw job.json`.

The job: {"video", "answers": NDJSON of what to draw, "output": an .mp4, "folder": the only folder where this process
may write, "count": lines of `answers`, "frame_rate": of the answered frames, "max_pixels", "max_mb"}. A line of
`answers` is {"frame": number, "boxes": [[x1, y1, x2, y2 (0..1), class id, words, track id or null, outlines], ...]}, in
the order of frames; outlines are [[[x, y] (0..1), ...], ...] of what was segmented. The video that is written has the
answered frames and no others, each at its own time: no box is guessed.

Answers in JSON lines on stdout: {"event": "progress", "done"}, {"event": "finished", "frames", "width", "height"},
{"event": "refused", "message"}.
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict, deque
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter

from apps.inference.engine import pens
from apps.inference.engine.frames import THREADS, BadVideo, Video, Wanted
from apps.models.engine.answering import die_with_parent, take_stdout
from apps.models.engine.sandbox import SandboxError, lock_in

MEMORY_MB, CPU_SECONDS = 4096, 48 * 3600
CLOCK = 90_000  # ticks a second
TRAIL_SECONDS, LONGEST_TRAIL = 1.0, 60
TINT = 0.43  # how much of an outline's colour covers the picture
LARGEST = 4096  # pixels of the longer side: what browsers' decoders of H.264 play
BT709 = 1


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    tell = take_stdout()
    job = json.loads(Path(argv[1]).read_text(encoding="utf-8"))
    cv2.setNumThreads(1)
    try:
        lock_in(job["folder"], MEMORY_MB, CPU_SECONDS, job["max_mb"])
        die_with_parent()
        tell("finished", **draw(job, tell))
    except BadVideo as reason:
        tell("refused", message=str(reason))
    except SandboxError as error:
        tell("refused", message=f"The video could not be read safely: {error}.")
    except OSError as error:  # of FFmpeg as well: the disk is full, mostly
        tell("refused", message=f"The drawn video could not be written: {error.strerror or error}.")
    except MemoryError:
        tell("refused", message=f"Drawing this video takes more than {MEMORY_MB} MB of memory.")
    return 0


def draw(job: dict, tell) -> dict:
    """Write the video; the fields of `finished`. Raises BadVideo."""
    done, writer, trails = 0, None, Trails(job["frame_rate"])
    with Video(job["video"], job["max_pixels"]) as video, open(job["answers"], encoding="utf-8") as lines:
        answers = Answers(lines)
        for frame in video.frames(answers):
            if frame is not None:
                writer = writer or Writer(job["output"], frame.pixels.shape, job["frame_rate"])
                writer.write(paint(writer.fitted(frame.pixels), answers.now["boxes"], trails), frame.time)
                done += 1
                answers.step()
                tell("progress", done=done)
            if answers.now is None:
                break
    if writer is None:
        raise BadVideo("No frame of the video can be decoded any more.")
    writer.close()
    return {"frames": done, "width": writer.width, "height": writer.height}


class Answers(Wanted):
    """Exactly the frames that have an answer; `now` is the next one that will be drawn, None behind the last."""

    def __init__(self, lines):
        self._lines = lines
        self.step()

    def step(self) -> None:
        """Go on to the next answer."""
        line = next(self._lines, None)
        self.now = None if line is None else json.loads(line)

    def takes(self, number: int, time: float) -> bool:
        """Whether the next answer is on this frame."""
        return self.now is not None and self.now["frame"] == number


class Writer:
    """An H.264 mp4 that browsers play while it still loads. Frames are written as they come; none is kept."""

    def __init__(self, path: str, shape: tuple[int, ...], frame_rate: float):
        height, width = shape[:2]
        self.factor = max(1, -(-pens.SMALL // max(width, height)))
        if max(width, height) > LARGEST:
            self.factor = LARGEST / max(width, height)
        self.width, self.height = (max(2, round(side * self.factor / 2) * 2) for side in (width, height))
        self._tick, self._reformatter = -1, VideoReformatter()
        self._container = av.open(path, "w", options={"movflags": "faststart"})
        self._stream = self._container.add_stream("libx264", rate=rate_of(frame_rate))
        self._stream.width, self._stream.height, self._stream.pix_fmt = self.width, self.height, "yuv420p"
        self._stream.time_base = Fraction(1, CLOCK)
        context = self._stream.codec_context
        context.time_base, context.thread_count = Fraction(1, CLOCK), THREADS
        context.gop_size = min(250, max(1, round(2 * frame_rate)))  # so that a player jumps to within two seconds
        context.colorspace = context.color_primaries = context.color_trc = BT709
        context.options = {"preset": "veryfast", "crf": "23"}

    def fitted(self, pixels: np.ndarray) -> np.ndarray:
        """A frame in the size of the video: sizes may change on the way, and small ones are enlarged."""
        if pixels.shape[1::-1] == (self.width, self.height):
            return pixels
        how = cv2.INTER_NEAREST if self.factor > 1 else cv2.INTER_AREA
        return cv2.resize(pixels, (self.width, self.height), interpolation=how)

    def write(self, pixels: np.ndarray, time: float) -> None:
        """Add a frame at `time` seconds; after the last one, whatever its time says."""
        frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
        frame = self._reformatter.reformat(frame, format="yuv420p", dst_colorspace="ITU709", threads=1)
        self._tick = max(self._tick + 1, round(time * CLOCK))
        frame.pts, frame.time_base = self._tick, Fraction(1, CLOCK)
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Write what the encoder still holds, and the index."""
        self._container.mux(self._stream.encode())
        self._container.close()


def rate_of(frame_rate: float) -> Fraction:
    return Fraction(max(frame_rate, 0.001)).limit_denominator(1000) or Fraction(1, 1000)


class Trails:
    """Where the middle of each track was within the last second."""

    def __init__(self, frame_rate: float):
        self._kept = min(LONGEST_TRAIL, max(4, round(TRAIL_SECONDS * frame_rate)))
        self._points: OrderedDict[int, deque] = OrderedDict()
        self._frame = 0

    def next_frame(self) -> None:
        """Forget tracks that were not seen for as long as a trail is."""
        self._frame += 1
        while self._points:
            track, points = next(iter(self._points.items()))
            if self._frame - points[-1][0] <= self._kept:
                return
            del self._points[track]

    def add(self, track: int, point: tuple[int, int]) -> list[tuple[int, int]]:
        """The trail of `track` with `point` at its end."""
        points = self._points.setdefault(track, deque(maxlen=self._kept))
        self._points.move_to_end(track)
        points.append((self._frame, point))
        return [place for _, place in points]


def paint(pixels: np.ndarray, boxes: list, trails: Trails) -> np.ndarray:
    """The boxes with their names, the first on top; a track in its own colour, with where it came from."""
    height, width = pixels.shape[:2]
    size = max(12, round(max(width, height) / 55))
    trails.next_frame()
    tint(pixels, boxes)
    for x1, y1, x2, y2, class_id, words, track, _ in reversed(boxes):
        x1, y1, x2, y2 = round(x1 * width), round(y1 * height), round(x2 * width), round(y2 * height)
        color = color_of(class_id, track)
        if track is not None:
            trail = np.array(trails.add(track, ((x1 + x2) // 2, (y1 + y2) // 2)), np.int32)
            cv2.polylines(pixels, [trail], False, pens.bgr(color), max(2, size // 6), cv2.LINE_AA)
        cv2.rectangle(pixels, (x1, y1), (x2, y2), pens.bgr(color), max(2, size // 6))
        write(pixels, (x1, y1), pens.label(words, color, size))
    return pixels


def color_of(class_id: int, track: int | None) -> str:
    return pens.COLORS[(class_id if track is None else track) % len(pens.COLORS)]


def tint(pixels: np.ndarray, boxes: list) -> None:
    """Tint what lies inside the outlines of `boxes`, the first on top."""
    if not any(outlines for *_, outlines in boxes):
        return
    tinted = pixels.copy()
    for *_, class_id, _, track, outlines in reversed(boxes):
        for points in outlines:
            placed = np.round(np.array(points) * pixels.shape[1::-1]).astype(np.int32)
            cv2.fillPoly(tinted, [placed], pens.bgr(color_of(class_id, track)))
    cv2.addWeighted(tinted, TINT, pixels, 1 - TINT, 0, dst=pixels)


def write(pixels: np.ndarray, corner: tuple[int, int], label: np.ndarray) -> None:
    """The label above the box's upper left corner, pushed into the picture where it would leave it."""
    height, width = pixels.shape[:2]
    x = max(min(corner[0], width - label.shape[1]), 0)
    y = min(max(corner[1] - label.shape[0], 0), height)
    place = pixels[y : y + label.shape[0], x : x + label.shape[1]]
    place[:] = label[: place.shape[0], : place.shape[1]]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
