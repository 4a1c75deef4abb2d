"""The frames of a batch's video, decoded in a sealed process that the batch reads from at its own pace."""

import contextlib
import json
import logging
import os
import queue
import shutil
import time
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from apps.core.processes import EngineDied
from apps.core.work import WorkFailed
from apps.models.services.checks import SealedEngine

log = logging.getLogger(__name__)
READ = "apps.inference.engine.read"
AHEAD = 4  # frames that wait in this process
SILENT_SECONDS = 120  # without a word from the process: it will not say one any more
GONE = "The video that was sent has expired; send it again."
UNREADABLE = "Reading the video {death}: it is damaged in a way that decoders cannot bear, or takes too much memory."


class FrameEngine(SealedEngine):
    """The reading process; its events have a frame's bytes as `data`. At most AHEAD events wait: then it waits too."""

    def __init__(self, payload, folder):
        super().__init__(READ, payload, folder)
        self._events = queue.Queue(AHEAD)
        self._over, self._most = False, 54 + 4 * payload["max_pixels"]

    def _read(self):
        """Pass events on until the process ends or says what it never should: it may be what the video made of it."""
        with self.process.stdout as out:
            for line in iter(lambda: out.readline(4096), b""):
                event = _understood(line)
                size = event.get("bytes", 0)
                if not event or not 0 <= size <= self._most:
                    break
                event["data"] = out.read(size)
                if len(event["data"]) < size:
                    break
                self._put(event)
        self._put(EOFError)

    def _put(self, event):
        while not self._over:
            with contextlib.suppress(queue.Full):
                self._events.put(event, timeout=0.5)
                return

    def __exit__(self, *exc):
        self._over = True  # nobody takes events any more: the reading thread ends
        super().__exit__(*exc)


def _understood(line):
    with contextlib.suppress(ValueError, AttributeError):
        event = json.loads(line)
        if isinstance(event.get("bytes", 0), int):
            return event
    return {}


def frames_of(job, folder, skip, report):
    """Events of the reading process: first `opened`, then those of frames, then `finished`; raises WorkFailed.

    The first `skip` wanted frames are decoded, for the others follow from them, but not given.
    """
    params = job.params
    payload = {
        "video": str(local_copy(job.upload.name, folder)), "every": params["every"], "fps": params["fps"], "skip": skip,
        "max_pixels": min(settings.MAX_VIDEO_PIXELS, settings.MAX_IMAGE_PIXELS),
        "max_frames": settings.MAX_VIDEO_FRAMES,
    }  # fmt: skip
    with FrameEngine(payload, folder) as engine:
        yield from heard(engine, report)


def heard(engine, report):
    """The events of a sealed engine that is open; raises WorkFailed with its refusal, its silence or its death."""
    last = time.monotonic()
    try:
        for event in engine.events():
            report.check()
            if event is None:
                if time.monotonic() - last > SILENT_SECONDS:
                    raise WorkFailed(f"Nothing came of the video for {SILENT_SECONDS} seconds: it is not read on.")
                continue
            if event["event"] == "refused":
                raise WorkFailed(event["message"])
            yield event
            last = time.monotonic()
    except EngineDied as death:
        log.warning("%s %s\n%s", engine.process.args[-2], death, death.tail)
        raise WorkFailed(UNREADABLE.format(death=death)) from None


def local_copy(name, folder):
    """The stored file `name` as a path in `folder`: where the store is on this disk, the same file by another name.

    Raises WorkFailed where it is not kept any more.
    """
    target = Path(folder) / "video"
    if target.exists():
        return target
    try:
        os.link(default_storage.path(name), target)
    except (NotImplementedError, OSError):
        try:
            with default_storage.open(name) as file, target.open("wb") as out:
                shutil.copyfileobj(file, out, 2**20)
        except FileNotFoundError:
            raise WorkFailed(GONE) from None
    return target
