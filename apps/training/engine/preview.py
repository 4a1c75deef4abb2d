"""Images as the network will see them: `python -m apps.training.engine.preview`, a process that stays warm.

It reads one request a line on stdin and answers each with one line on stdout, once it has told {"event": "ready"}:

    {"id": "…", "images": "/abs/images", "classes": 3, "colors": ["#e69f00", …], "imgsz": 640, "seed": 0,
     "args": {"mosaic": 1.0, …}, "output": "/abs/grid.jpg"}
    {"event": "drawn", "id": "…", "tiles": 8, "milliseconds": 140}  or  {"event": "failed", "id": "…", "message": "…"}

`images` is a folder with the labels in `labels` beside it. The images run through ultralytics' own dataset and its
transforms for training; the seed is set for each tile, so that only a changed argument changes the picture. When more
requests wait than one, only the newest is drawn. It ends with its stdin, or after IDLE seconds without a request.
"""

import json
import os
import random
import select
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from . import lifeline, quiet, reasons
from .events import EventStream

IDLE = 180  # seconds
TILES = 8


def main() -> int:
    """Answer requests until nobody asks any more."""
    lifeline.lead_own_group()
    events = EventStream()
    with tempfile.TemporaryDirectory() as folder:
        quiet.set_environment(Path(folder))
        import torch

        quiet.tame_ultralytics()
        torch.set_num_threads(1)
        events.send("ready")
        for request in _requests():
            started = time.monotonic()
            try:
                tiles = draw(request)
            except Exception as error:  # told; the next request may be a good one
                events.send("failed", id=request.get("id"), message=reasons.find_reason(error).message)
            else:
                spent = round(1000 * (time.monotonic() - started))
                events.send("drawn", id=request["id"], tiles=tiles, milliseconds=spent)
    return 0


def _requests():
    """Yield the newest request of those that wait."""
    rest = b""
    while select.select([0], [], [], IDLE)[0]:
        data = os.read(0, 1 << 20)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        if lines:
            yield json.loads(lines[-1])


def draw(request: dict[str, Any]) -> int:
    """Draw the grid of a request to its output; returns the number of tiles."""
    from .tiles import grid

    dataset = _dataset(request)
    count = min(TILES, len(dataset))
    tiles = []
    for number in range(count):
        _seed(request["seed"] + number)
        tiles.append(_tile(dataset[number], request["colors"]))
    grid(tiles).save(request["output"], "JPEG", quality=88)
    return count


def _dataset(request: dict[str, Any]) -> Any:
    from ultralytics.cfg import get_cfg
    from ultralytics.data import YOLODataset

    own = {"task": "detect", "mode": "train", "imgsz": request["imgsz"], "rect": False, "cache": False}
    names = {number: str(number) for number in range(request["classes"])}
    return YOLODataset(
        img_path=request["images"],
        imgsz=request["imgsz"],
        augment=True,
        hyp=get_cfg(overrides=request["args"] | own),
        batch_size=1,
        data={"names": names, "nc": len(names), "channels": 3, "train": request["images"]},
        task="detect",
    )


def _seed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)  # what ultralytics draws from
    torch.manual_seed(seed)


def _tile(sample: dict[str, Any], colors: list[str]) -> Any:
    from .tiles import tile

    return tile(
        sample["img"].permute(1, 2, 0).numpy(), sample["cls"].flatten().tolist(), sample["bboxes"].tolist(), colors
    )


if __name__ == "__main__":
    sys.exit(main())
