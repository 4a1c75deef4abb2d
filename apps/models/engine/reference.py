"""What weights answer themselves, for what is made of them to be held against."""

from __future__ import annotations

import json
import os
import statistics
import time


def answer(model, job: dict, tell) -> dict:
    """What the weights themselves say on the check images, boxes in pixels of the upright image."""
    images, seconds = [], []
    paths = job["check_images"]
    with open(job["outlines"] or os.devnull, "w", encoding="utf-8") as outlines:
        for number, path in enumerate(paths):
            tell(
                "progress",
                progress=0.6 + 0.35 * number / len(paths),
                message=f"Check image {number + 1} of {len(paths)}",
            )
            started = time.perf_counter()
            result = model.predict(
                str(path),
                imgsz=job["imgsz"],
                conf=job["conf"],
                iou=job["iou"],
                max_det=job["max_det"],
                nms=False if job["end2end"] else None,
                device="cpu",
                verbose=False,
            )[0]
            seconds.append(time.perf_counter() - started)
            images.append(as_dict(path, result))
            if job["outlines"]:
                outlines.write(json.dumps(outlines_of(result), separators=(",", ":")) + "\n")
    return {
        "conf": job["conf"],
        "iou": job["iou"],
        "max_det": job["max_det"],
        "imgsz": job["imgsz"],
        "seconds_per_image": round(statistics.median(seconds), 4) if seconds else None,
        "images": images,
    }


def outlines_of(result) -> list:
    """The outer outlines of each mask of an ultralytics result, as lists of points in pixels of the upright image.

    Masks have the size of the model's input. Specks of one or two pixels are left out, unless there is nothing else.
    """
    import cv2
    from ultralytics.utils.ops import scale_coords

    found = []
    for mask in result.masks.data if result.masks is not None else ():
        pixels = mask.cpu().numpy().astype("uint8")
        contours, _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        shapes = [one.reshape(-1, 2).astype("float32") for one in contours]
        shapes = [points for points in shapes if len(points) > 2] or shapes
        placed = [scale_coords(mask.shape, points, result.orig_shape) for points in shapes]
        found.append([points.round(2).tolist() for points in placed])
    return found


def as_dict(path, result) -> dict:
    """One ultralytics result as plain numbers."""
    height, width = result.orig_shape
    boxes = [
        [int(row[5]), round(row[4], 5), *(round(value, 3) for value in row[:4])] for row in result.boxes.data.tolist()
    ]
    return {"path": str(path), "width": width, "height": height, "boxes": boxes}
