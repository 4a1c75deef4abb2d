"""The video with its boxes drawn in, made of the stored answers."""

import json
import shutil
from contextlib import suppress
from pathlib import PurePath

from django.conf import settings
from django.core.files import File

from apps.core.work import WorkFailed
from apps.inference.outlines import parts_of
from apps.inference.videos.source import heard, local_copy
from apps.inference.videos.tracks import pieces
from apps.models.services.checks import SealedEngine

ENGINE = "apps.inference.engine.draw"
ROOM_LEFT = 0.5  # of what is free on the disk, that the video may take while it is written


def draw_video(job, folder, report):
    """Make the mp4 and store it as the job's file; returns the name that it is downloaded under."""
    count, rate = _write_answers(job, folder, report)
    payload = {
        "video": str(local_copy(job.upload.name, folder)), "answers": str(folder / "answers.ndjson"),
        "output": str(folder / "drawn.mp4"), "count": count, "frame_rate": rate,
        "max_pixels": min(settings.MAX_VIDEO_PIXELS, settings.MAX_IMAGE_PIXELS),
        "max_mb": int(shutil.disk_usage(folder).free * ROOM_LEFT) >> 20,
    }  # fmt: skip
    finished = None
    with SealedEngine(ENGINE, payload, folder) as engine:
        for event in heard(engine, report):
            if event["event"] == "progress":
                report(event["done"] / count, f"Drawing: {event['done']} of {count} frames")
            elif event["event"] == "finished":
                finished = event
    if finished is None:
        raise WorkFailed("Drawing the video ended without one. The answers are there.")
    with (folder / "drawn.mp4").open("rb") as video:
        job.file.save("drawn.mp4", File(video), save=False)
    with suppress(FileNotFoundError):
        (folder / "drawn.mp4").unlink()
    return f"{PurePath(job.params['filename']).stem[:100] or 'video'}-boxes.mp4"


def _write_answers(job, folder, report):
    """(answered frames, how many of them a second): what to draw, in a file for the engine."""
    count, last = 0, 0.0
    with (folder / "answers.ndjson").open("w", encoding="utf-8") as out:
        for rows in pieces(job):
            report.check()
            for row in rows:
                boxes = [_box(found) for found in row.answer.get("predictions", ())]
                out.write(json.dumps({"frame": row.frame, "boxes": boxes}) + "\n")
            count, last = count + len(rows), rows[-1].seconds
    return count, (count - 1) / last if count > 1 and last else 1


def _box(found):
    x, y, width, height = (found[name] for name in ("x_center", "y_center", "width", "height"))
    track = found.get("track_id")
    words = found["class_name"] + (f" #{track}" if track is not None else "") + f" {found['confidence']:.2f}"
    corners = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    return [*corners, found["class_id"], words, track, parts_of(found)]
