"""Follow boxes from frame to frame with ultralytics' ByteTrack: `python -m apps.inference.engine.track job.json`.

The job: {"boxes", "output", "buffer": frames that an object may be unseen, "sure": confidence from which on a box
begins a track}. `boxes` is NDJSON, a line a frame: [[x1, y1, x2, y2 (pixels), confidence, class id], ...]; `output`
becomes NDJSON of as many lines: the track ids of these boxes, null where a box belongs to none. Ids count from 1. The
same boxes give the same tracks, so a run that was killed is simply run again.

Answers in JSON lines on stdout: {"event": "progress", "done"}, {"event": "finished"}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from apps.models.engine.answering import die_with_parent, take_stdout

TELL_EVERY = 200
LOW = 0.1  # surer boxes than this go on with a track, though they begin none
MATCH = 0.8


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    tell = take_stdout()
    die_with_parent()
    job = json.loads(Path(argv[1]).read_text(encoding="utf-8"))
    os.environ["YOLO_AUTOINSTALL"] = "false"
    tracker = tracker_of(job["sure"], job["buffer"])
    with open(job["boxes"], encoding="utf-8") as lines, open(job["output"], "w", encoding="utf-8") as out:
        for done, line in enumerate(lines, 1):
            out.write(json.dumps(follow(tracker, json.loads(line))) + "\n")
            if done % TELL_EVERY == 0:
                tell("progress", done=done)
    tell("finished")
    return 0


def tracker_of(sure: float, buffer: int):
    """ByteTrack with ultralytics' own settings, but for how sure a box must be and how long one may be unseen."""
    from ultralytics.trackers.byte_tracker import BYTETracker

    return BYTETracker(
        SimpleNamespace(
            track_high_thresh=sure, new_track_thresh=sure, track_low_thresh=min(LOW, sure), track_buffer=buffer,
            match_thresh=MATCH, fuse_score=True,
        )
    )  # fmt: skip


def follow(tracker, boxes: list) -> list[int | None]:
    """The track ids of one frame's boxes."""
    ids: list[int | None] = [None] * len(boxes)
    for row in tracker.update(Found(np.array(boxes, np.float32).reshape(-1, 6))):
        ids[int(row[-1])] = int(row[4])
    return ids


class Found:
    """Boxes as ultralytics' trackers ask for them."""

    def __init__(self, rows: np.ndarray):
        self._rows = rows
        self.xyxy, self.conf, self.cls = rows[:, :4], rows[:, 4], rows[:, 5]

    @property
    def xywh(self) -> np.ndarray:
        corners = self._rows[:, :2], self._rows[:, 2:4]
        return np.concatenate([(corners[0] + corners[1]) / 2, corners[1] - corners[0]], axis=1)

    def __getitem__(self, which) -> Found:
        return Found(self._rows[which])

    def __len__(self) -> int:
        return len(self._rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
