"""Tracks through a video: the stored answers are followed from frame to frame, and told which track each box is of.

Following starts from the first answer each time: a run that was killed comes to the same tracks.
"""

import json
from collections import Counter
from dataclasses import dataclass, field

from django.db import transaction

from apps.core.processes import Engine, EngineDied
from apps.core.work import WorkFailed
from apps.inference.models import BatchAnswer, Track

ENGINE = "apps.inference.engine.track"
A_PIECE = 500
SURE = 0.25  # ultralytics' own; a person who asked for less sure boxes wants those followed as well
LEAST_BUFFER, MOST_BUFFER = 5, 300


def follow(job, folder, report):
    """Give the boxes of all answers their `track_id`, and the job its Track rows; returns how many tracks."""
    count, payload = _write_boxes(job, folder, report)
    try:
        with Engine(ENGINE, payload, folder / "track", folder / "track.txt") as engine:
            for event in engine.events():
                report.check()
                if event and event["event"] == "progress":
                    report(0.5 * event["done"] / max(count, 1), f"Following objects: {event['done']} of {count} frames")
    except EngineDied as death:
        raise WorkFailed(f"Following objects {death}. The answers are there, without tracks.") from death
    tracks, numbers = {}, {}
    with open(payload["output"], encoding="utf-8") as lines:
        for rows in pieces(job):
            report(0.5 + 0.5 * rows[0].number / max(count, 1), "Storing tracks")
            _mark(rows, [_numbered(json.loads(next(lines)), numbers) for _ in rows], tracks)
    _store(job, tracks, report)
    return len(tracks)


def pieces(job):
    """The answers of a job in its order, as lists that are never long."""
    last = 0
    while rows := list(BatchAnswer.objects.filter(job=job, number__gt=last).order_by("number")[:A_PIECE]):
        yield rows
        last = rows[-1].number


def _write_boxes(job, folder, report):
    """(frames, job of the engine): the boxes of the answers in a file of their own."""
    count, last, least = 0, 0.0, SURE
    with (folder / "boxes.ndjson").open("w", encoding="utf-8") as out:
        for rows in pieces(job):
            report.check()
            for row in rows:
                boxes = [_box(one) for one in row.answer.get("predictions", ())]
                least = min([least, *(box[4] for box in boxes)])
                out.write(json.dumps(boxes) + "\n")
            count, last = count + len(rows), rows[-1].seconds
    rate = (count - 1) / last if count > 1 and last else 1
    return count, {
        "boxes": str(folder / "boxes.ndjson"), "output": str(folder / "tracks.ndjson"), "sure": least,
        "buffer": min(max(round(rate), LEAST_BUFFER), MOST_BUFFER),
    }  # fmt: skip


def _box(found):
    box = found["box"]
    return [box["x1"], box["y1"], box["x2"], box["y2"], found["confidence"], found["class_id"]]


def _numbered(ids, numbers):
    """Ids from 1 on without gaps: ByteTrack gives some to boxes that it then follows no further."""
    return [None if one is None else numbers.setdefault(one, len(numbers) + 1) for one in ids]


def _mark(rows, ids_of_rows, tracks):
    """Write the ids into the answers of `rows`, and count them into `tracks`."""
    for row, ids in zip(rows, ids_of_rows, strict=True):
        for found, track_id in zip(row.answer.get("predictions", ()), ids, strict=True):
            found.pop("track_id", None)
            if track_id is not None:
                found["track_id"] = track_id
                tracks.setdefault(track_id, Seen(row.frame, row.seconds)).add(row, found)
    BatchAnswer.objects.bulk_update(rows, ["answer"], batch_size=100)


@dataclass
class Seen:
    """What is known of a track so far."""

    first_frame: int
    first_seconds: float
    last_frame: int = 0
    last_seconds: float = 0.0
    frames: int = 0
    confidence: float = 0.0
    classes: Counter = field(default_factory=Counter)

    def add(self, row, found):
        """Count one box in."""
        self.last_frame, self.last_seconds = row.frame, row.seconds
        self.frames += 1
        self.confidence += found["confidence"]
        self.classes[found["class_id"], found["class_name"]] += 1

    def row(self, job, number):
        """The row of this track."""
        (class_id, name), _ = self.classes.most_common(1)[0]
        return Track(
            job=job, number=number, class_id=class_id, class_name=name[:200], frames=self.frames,
            confidence=round(self.confidence / self.frames, 4), first_frame=self.first_frame,
            first_seconds=self.first_seconds, last_frame=self.last_frame, last_seconds=self.last_seconds,
        )  # fmt: skip


def _store(job, tracks, report):
    report.check()
    with transaction.atomic():
        Track.objects.filter(job=job).delete()
        Track.objects.bulk_create((seen.row(job, number) for number, seen in sorted(tracks.items())), batch_size=500)
