"""Which of several ways to serve a model is the quickest that answers as it should: all are timed on the same images.

A way is a program (OpenVINO, ONNX Runtime) and an arithmetic (f32, the CPU's short bf16, int8). What they answer is
held against a reference: the answers of the weights themselves, or for a model that came as ONNX those of ONNX Runtime.
"""

import platform
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.core.work import WorkFailed
from apps.inference.runtime import ModelError, compare_many, load, pair
from apps.inference.services.mask_overlap import mask_iou, masks_of

CHECK_CONFS = (0.25, 0.1, 0.05, 0.01)  # a weak model is compared where it finds anything at all
LOWEST_CONF = 0.005
LEAST_AGREEMENT = {"f32": 0.95, "bf16": 0.98, "int8": 0.95}  # of the reference's boxes that must be found at IoU 0.9
LEAST_OVERLAP = 0.95  # of the masks of those that were found, on average: an edge of one pixel may differ
WARM_UP = 4  # answers that are not timed: after them the first picture's shape has a graph of its own
WORTH_IT = 0.95  # OpenVINO goes on unless another takes at most so much of its time: less is noise
PROGRAMS = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime"}


@dataclass(eq=False)
class Way:
    """A program and an arithmetic over an export's folder; once tried, what it took and answered, or why it cannot."""

    program: str
    folder: Path
    precision: str = "f32"
    error: str = ""
    seconds: list = None
    answers: list = None
    figures: dict = None
    imgsz: int = None

    @property
    def name(self):
        return f"{PROGRAMS[self.program]} {self.precision}"

    @property
    def milliseconds(self):
        return round(statistics.median(self.seconds) * 1000, 2)


def open_way(way):
    """Its loaded runtime. Raises ModelError, also where this CPU has no such arithmetic."""
    runtime = load(
        way.folder, program=way.program, precision=way.precision, threads=settings.INFERENCE_THREADS,
        max_pixels=settings.MAX_IMAGE_PIXELS,
    )  # fmt: skip
    if runtime.precision != way.precision:
        raise ModelError(f"This machine's processor does not compute in {way.precision}.")
    return runtime


def try_all(ways, images, report, conf=LOWEST_CONF):
    """Let every way answer on every image (paths, or bytes), in turns, so that other work on the machine slows all."""
    opened = []
    for way in ways:
        try:
            runtime = open_way(way)
            for _ in range(WARM_UP):
                runtime.predict(images[0])
            way.imgsz, way.seconds, way.answers = runtime.imgsz, [], []
            opened.append((way, runtime))
        except ModelError as error:
            way.error = str(error)
    for number, image in enumerate(images):
        report.check()
        for way, runtime in opened[number % len(opened) :] + opened[: number % len(opened)] if opened else ():
            started = time.perf_counter()
            prediction = runtime.predict(image, conf=conf, iou=0.7, max_det=300)
            way.seconds.append(time.perf_counter() - started)
            way.answers.append(prediction)


def choose(ways, expected, words):
    """The quickest way that answers as it should. Raises WorkFailed, in `words`, where none does.

    `expected` has the reference's boxes of each image; None: there is nothing to compare with. Short arithmetic serves
    only where it was compared.
    """
    for way in ways:
        way.figures = compare(expected, way) if way.answers is not None and expected is not None else {}
    good = [way for way in ways if not why_not(way, expected is not None)]
    if not good:
        raise WorkFailed(_all_refused(ways, words))
    quickest = min(good, key=lambda way: way.milliseconds)
    first = min((way for way in good if way.program == "openvino"), key=lambda way: way.milliseconds, default=quickest)
    return quickest if quickest.milliseconds < WORTH_IT * first.milliseconds else first


def why_not(way, is_compared=True):
    """Why it cannot serve, in words, or nothing."""
    if way.error:
        return way.error
    if way.precision != "f32" and not (is_compared and way.figures["boxes_expected"]):
        return "Its answers could not be compared with anything."
    if is_compared and way.figures["agreement"] < LEAST_AGREEMENT[way.precision]:
        return f"It finds {way.figures['boxes_found']} of {way.figures['boxes_expected']} boxes only."
    if is_compared and (overlap := way.figures.get("masks_overlap", 1)) < LEAST_OVERLAP:
        return f"Its masks overlap those that it is held against by {overlap:.1%} only."
    return ""


def _all_refused(ways, words):
    tried = next((way for way in ways if way.figures), None)
    if tried is None:
        return f"It cannot be served: {ways[0].error}"
    found = tried.figures
    masks = f", and their masks overlap by {found['masks_overlap']:.1%}" if "masks_overlap" in found else ""
    return (
        f"{words}: it finds {found['boxes_found']} of the {found['boxes_expected']} boxes on "
        f"{found['checked_images']} images in {tried.name}{masks}. It is not deployed."
    )


def told(ways, best, is_compared, allowed=None):
    """What is kept of the measurement, for people: each way with its time, and why it was not taken.

    `allowed`: of these one was to be chosen; None: of all.
    """
    rows = []
    for way in ways:
        row = {"runtime": way.program, "precision": way.precision}
        if way.answers is not None:
            row["milliseconds"] = way.milliseconds
        if way.figures:
            row |= {name: way.figures[name] for name in ("agreement", "masks_overlap") if name in way.figures}
        other = "slower" if allowed is None or way in allowed else "Another one was asked for."
        row["why_not"] = "" if way is best else why_not(way, is_compared) or other
        rows.append(row)
    return {"tried": rows, "machine": platform.node(), "threads": settings.INFERENCE_THREADS}


def compare(expected, way):
    """How its answers agree with the reference, at the highest of CHECK_CONFS at which that finds anything."""
    pairs = list(zip(expected, (answer.boxes for answer in way.answers), strict=True))
    for conf in CHECK_CONFS:
        parity = compare_many(pairs, conf=conf)
        if parity.expected:
            break
    masks = _masks_overlap(expected, way, conf)
    return {
        "checked_images": len(pairs),
        "checked_confidence": conf,
        "boxes_expected": parity.expected,
        "boxes_found": parity.found,
        "boxes_extra": parity.extra,
        "agreement": round(parity.share, 4),
        "confidence_difference": round(parity.max_confidence_difference, 4),
    } | ({} if masks is None else {"masks_overlap": masks})


def _masks_overlap(expected, way, conf):
    """The mean IoU of the masks of the reference's boxes from `conf` on that were found; None where none has a mask."""
    found = []
    for boxes, answer in zip(expected, way.answers, strict=True):
        outlined = [box for box in boxes if box.polygons and box[1] >= conf]  # the surest choose first
        size = answer.width, answer.height, way.imgsz
        for one, other in pair(outlined, answer.boxes)[0] if outlined else ():
            if other is not None:
                found.append(mask_iou(masks_of([one.polygons], *size), masks_of([other.polygons], *size))[0, 0])
    return round(float(statistics.fmean(found)), 4) if found else None
