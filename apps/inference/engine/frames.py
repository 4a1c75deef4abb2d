"""The frames of a video, one after the other, upright and as people see them. Reads what strangers sent: the engines
that use this lock themselves in first (`apps.models.engine.sandbox`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import VideoReformatter

CONTAINERS = ("mov", "matroska", "avi")  # mp4 and m4v are mov's, webm is matroska's
CODECS = ("h264", "hevc", "av1", "libdav1d", "vp9", "vp8", "mpeg4", "mjpeg")
ACCEPTED = "mp4, mov, mkv, webm and avi with H.264, HEVC, AV1, VP9, VP8, MPEG-4 or MJPEG are taken"
THREADS = 2
MOST_SECONDS = 30 * 24 * 3600  # a time beyond is no time
MOST_STRETCH = 4  # of pixels that are no squares
READ_PER_ANSWER = 50  # frames that are decoded for one that is asked for, at most
BROKEN_PACKETS = 10_000


class BadVideo(Exception):
    """The video cannot be read; the text says why, and what can."""


class Frame(NamedTuple):
    """`number` counts all of the video's frames from 0, `time` is seconds from the first, `pixels` upright BGR."""

    number: int
    time: float
    pixels: np.ndarray


class Video:
    """An open video; `about` has what its header says, `broken` counts the packets that could not be decoded.

    Raises BadVideo.
    """

    def __init__(self, path: str | Path, max_pixels: int):
        av.logging.set_level(av.logging.PANIC)
        self.max_pixels, self.broken = max_pixels, 0
        if not Path(path).stat().st_size:
            raise BadVideo("The file is empty.")
        try:
            self._container = av.open(str(path), options={"format_whitelist": ",".join(CONTAINERS)})
        except (av.error.FFmpegError, ValueError, OverflowError) as error:
            raise BadVideo(f"The file is no video that can be read, or it is cut off: {ACCEPTED}.") from error
        try:
            self._stream = self._choose()
            self.about = self._describe()
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *exc) -> None:
        self._container.close()

    def _choose(self):
        """The first stream of moving pictures: the cover of a piece of music is none."""
        moving = [s for s in self._container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
        if not moving:
            sound = " It has sound only." if self._container.streams.audio else ""
            raise BadVideo(f"There are no moving pictures in the file.{sound}")
        context = moving[0].codec_context
        if context is None or context.name not in CODECS:
            name = f"is coded as {context.name}" if context else "has a coding that is not known"
            raise BadVideo(f"The video {name}: {ACCEPTED}.")
        return moving[0]

    def _describe(self) -> dict:
        context, stream = self._stream.codec_context, self._stream
        if context.width < 1 or context.height < 1:
            raise BadVideo("The video does not say how large its pictures are.")
        self._check_size(context.width, context.height)
        rate = float(stream.average_rate or stream.guessed_rate or 0)
        self._rate = rate if 0.001 <= rate <= 1000 else 25.0
        seconds = self._seconds()
        frames = stream.frames if 0 < stream.frames < 2**53 else round(seconds * self._rate)
        return {
            "codec": context.name.replace("libdav1d", "av1"), "width": context.width, "height": context.height,
            "frame_rate": round(self._rate, 3), "seconds": round(seconds, 3), "frames": frames,
        }  # fmt: skip

    def _seconds(self) -> float:
        """How long the header says that it is; 0 where it does not, or says nonsense."""
        stream, container = self._stream, self._container
        seconds = 0.0
        if stream.duration and stream.time_base:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration:
            seconds = container.duration / 1_000_000
        return seconds if math.isfinite(seconds) and seconds > 0 else 0.0

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self.max_pixels:
            most = f"{self.max_pixels / 1e6:g} megapixels"
            raise BadVideo(f"The video has {width} × {height} pixels; at most {most} a frame are accepted.")

    def frames(self, wanted: Wanted, skip: int = 0) -> Iterator[Frame | None]:
        """The frames that `wanted` chooses, but for the first `skip` of them; None for each that is passed over."""
        context = self._stream.codec_context
        context.thread_type, context.thread_count = "AUTO", THREADS
        context.options = {"max_pixels": str(self.max_pixels)}
        aspect = self._stream.sample_aspect_ratio or Fraction(1)
        reformatter = VideoReformatter()  # one for all: each has threads and tables of its own
        first, last = None, 0.0
        for number, decoded in enumerate(self._decoded()):
            self._check_size(decoded.width, decoded.height)
            moment = self._moment(decoded, number)
            first = moment if first is None else first
            last = max(last, self._sane(moment - first, number))
            if not wanted.takes(number, last):
                yield None
            elif skip:
                skip -= 1
                yield None
            else:
                yield Frame(number, round(last, 4), upright(decoded, reformatter, aspect, self.max_pixels))

    def _decoded(self):
        """What can be decoded, over damaged places; ends where the file does."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:  # cut off: what came before counts
                self.broken += 1
                return
            try:
                found = packet.decode()
            except av.error.FFmpegError:
                self.broken += 1
                if self.broken > BROKEN_PACKETS:
                    return
                continue
            yield from found

    def _moment(self, frame, number: int) -> float:
        return frame.time if frame.time is not None else number / self._rate

    def _sane(self, seconds: float, number: int) -> float:
        return seconds if math.isfinite(seconds) and 0 <= seconds < MOST_SECONDS else number / self._rate


class Wanted:
    """Which frames: every `every`-th from the first on, or at most `fps` a second of the video's own time."""

    def __init__(self, every: int | None, fps: float | None):
        self.every, self.step, self._turn = every or 1, 1 / fps if fps else None, 0

    def takes(self, number: int, time: float) -> bool:
        """Whether this frame is wanted; called once for each frame in turn."""
        if self.step is None:
            return number % self.every == 0
        turn = int(time / self.step + 1e-6)
        takes = number == 0 or turn > self._turn
        self._turn = max(turn, self._turn)
        return takes

    def of(self, frames: int, rate: float) -> int:
        """About how many of `frames` frames at `rate` a second."""
        if self.step is None:
            return -(-frames // self.every)
        return min(frames, math.ceil(frames / rate / self.step))


def upright(frame, reformatter: VideoReformatter, aspect: Fraction, max_pixels: int) -> np.ndarray:
    """A decoded frame as BGR of shape (height, width, 3): turned and mirrored as its matrix says, square pixels.

    `aspect` is the width of one of its pixels to its height.
    """
    width = stretched(frame.width, frame.height, aspect, max_pixels)
    pixels = reformatter.reformat(frame, width, frame.height, "bgr24", threads=1).to_ndarray()
    matrix = matrix_of(frame)
    if matrix is None:
        return pixels
    a, b, c, d = matrix
    if abs(b) > abs(a):  # a quarter turn: x becomes y
        pixels = pixels.transpose(1, 0, 2)
        a, d = c, b
    if a < 0:
        pixels = pixels[:, ::-1]
    if d < 0:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def stretched(width: int, height: int, aspect: Fraction, max_pixels: int) -> int:
    """The width in square pixels; as it is where the header's aspect is none that a camera has."""
    wide = round(width * aspect)
    if aspect == 1 or not Fraction(1, MOST_STRETCH) <= aspect <= MOST_STRETCH or wide * height > max_pixels:
        return width
    return max(wide, 1)


def matrix_of(frame) -> tuple[int, int, int, int] | None:
    """(a, b, c, d) of the display matrix: x' = a·x + c·y, y' = b·x + d·y; None where it changes nothing."""
    data = frame.side_data.get(Type.DISPLAYMATRIX)
    if data is None:
        return None
    values = np.frombuffer(bytes(data), np.int32)
    a, b, c, d = (int(values[place]) for place in (0, 1, 3, 4))
    return None if a > 0 and d > 0 and not b and not c else (a, b, c, d)
