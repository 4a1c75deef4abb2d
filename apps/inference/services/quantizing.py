"""int8: weights quantized with training images, and judged against the weights themselves on labelled images.

An owner may choose it where its mAP50-95 falls by INT8_FALL at most. The platform takes it by itself where it is
quicker and NEAR the weights' mAP50-95, to either side, on labelled images enough to tell.
"""

from dataclasses import dataclass

from apps.annotations.services.entries import version_entries
from apps.annotations.services.yolo_folders import yolo_folder
from apps.core.work import WorkFailed
from apps.inference.runtime import BadImage
from apps.inference.services.judging import measure_answers
from apps.inference.services.proving import WORTH_IT, Way, compare, try_all, why_not
from apps.models import services as models

INT8_FALL = 0.02  # of mAP50-95, of boxes and of masks, below the weights' own: more is never served
INT8_IMAGES = 300
INT8_CONF = 0.001  # as mAP is measured
NEAR = 0.002  # of mAP50-95, of boxes and of masks: what is further from the weights' is not taken unasked
LEAST_IMAGES, LEAST_LABELS = 50, 100  # on fewer the two could be as near by chance
MOST_UNASKED = 150  # images: the weights answer on all of them, at each build
PATIENCE = 120  # seconds that a build waits for it unasked


@dataclass
class Ground:
    """The labelled images to judge on: a split of a dataset version, its entries, and the paths of their images."""

    version: object
    split: str
    entries: list
    paths: list


def ground_to_judge_on(ground, most=INT8_IMAGES):
    """The Ground of the first `most` labelled images of a (dataset version, split), or None where there are none."""
    if not ground:
        return None
    version, split = ground
    folder = yolo_folder(version).parent / "images" / split
    files = {path.stem: str(path) for path in folder.iterdir()} if folder.exists() else {}
    wanted = (entry for entry in version_entries(version) if entry["labeled"] and entry["split"] == split)
    entries = sorted((entry for entry in wanted if entry["sha256"] in files), key=lambda entry: entry["sha256"])
    entries = entries[:most]
    return Ground(version, split, entries, [files[entry["sha256"]] for entry in entries]) if entries else None


def data_to_calibrate_on(model):
    """The data.yaml with whose training images int8 is calibrated."""
    return str(yolo_folder(models.version_to_prove_on(model)))


def judge_int8(way, model, ground, weights, report):
    """Try `way`, an int8, on the images of a Ground; its mAP beside that of the `weights`' answers, as it is kept.

    Raises WorkFailed where it cannot be served or judged.
    """
    try:
        try_all([way], ground.paths, report, conf=INT8_CONF)
    except BadImage as error:
        raise WorkFailed(f"int8 cannot be judged, one of the images cannot be read: {error}") from None
    if way.error:
        raise WorkFailed(f"int8 cannot be served: {way.error}")
    measured = measure_answers(
        model, ground.version, ground.entries, {"weights": weights, "int8": way.answers}, way.imgsz
    )
    if measured is None:
        raise WorkFailed("The images have no labels of the model's classes: int8 cannot be judged.")
    return {
        "version_id": ground.version.pk, "version": str(ground.version), "split": ground.split,
        "images": len(ground.entries), "labels": measured["labels"], **_both(measured),
        "masks": _of_masks(measured["masks"]),
    }  # fmt: skip


def _both(measured):
    return {name: measured[name]["mAP50_95"] for name in ("weights", "int8")}


def _of_masks(masks):
    """The same two figures of masks, beside what they were measured on; why there are none; None of a detector."""
    return masks if not masks or "why_not" in masks else masks | _both(masks)


def int8_refused(judged):
    """Why int8 is not served, with the figures, or nothing. `judged` is what is kept of it."""
    fallen = [
        f"its {name} is {found['int8']:.3f} where the weights have {found['weights']:.3f}, "
        f"on {found['images']} labelled images: {found['weights'] - found['int8']:.3f} lower"
        for name, found in _measured(judged)
        if round(found["weights"] - found["int8"], 5) > INT8_FALL
    ]
    return f"int8 is not served: {'; '.join(fallen)}. At most {INT8_FALL:g} is accepted." if fallen else ""


def not_near(judged):
    """Why int8 is not taken unasked, with the figures, or nothing. `judged` is what is kept of it."""
    if judged["labels"] < LEAST_LABELS:
        return f"It takes {LEAST_LABELS} labels to prove it, and there are {judged['labels']}."
    if judged["masks"] and "why_not" in judged["masks"]:
        return "Its masks could not be judged: too few labels are on images whose labels all have outlines."
    far = [
        f"Its {name} is {found['int8']:.4f}, that of the weights {found['weights']:.4f}: more than {NEAR:g} apart."
        for name, found in _measured(judged)
        if round(abs(found["weights"] - found["int8"]), 5) > NEAR
    ]
    return " ".join(far)


def _measured(judged):
    """(what, its figures) of boxes, and of masks where these were measured."""
    measured = [("mAP50-95", judged), ("mAP50-95 of masks", judged["masks"] or {})]
    return [(name, found) for name, found in measured if "int8" in found]


class Unasked:
    """int8 that nobody asked for, in a build's `folder`: `way` is how it was tried, `way.error` why it is not taken.

    `ground` is what it is judged on, None where that is too little or it cannot be calibrated: it is not made then.
    """

    def __init__(self, model, ground, folder):
        self.model, self.judged = model, None
        self.ground, why = _ground_unasked(model, ground)
        self.way = Way("openvino", folder, "int8", why)
        self.tried = [self.way]

    def to_try(self):
        """What is timed beside the other ways: itself, where it was made."""
        return [] if self.way.error else [self.way]

    def told(self):
        """What is kept of how it was judged."""
        return {"int8": self.judged} if self.judged else {}

    def is_better_than(self, best, expected, weights, report):
        """Whether it is quicker than `best` and as good as the weights; else `way.error` says what is not so.

        `expected` has the weights' boxes of each image that the ways were tried on, `weights` their answers on all
        images of the ground.
        """
        self.way.error = self.way.error or self._slower_or_other(best, expected)
        if self.way.error:
            return False
        report(0.85, "Holding int8 against the weights on labelled images")
        try:
            way = Way("openvino", self.way.folder, "int8")  # another one: what it takes is known, beside the others
            self.judged = judge_int8(way, self.model, self.ground, weights, report)
            self.way.error = not_near(self.judged)
        except WorkFailed as failure:  # nobody asked for it: the others serve
            self.way.error = str(failure)
        return not self.way.error

    def _slower_or_other(self, best, expected):
        self.way.figures = compare(expected, self.way)
        return "slower" if self.way.milliseconds >= WORTH_IT * best.milliseconds else why_not(self.way)


class Untried:
    """The same where int8 is not tried."""

    ground, tried = None, []

    def to_try(self):
        return []

    def told(self):
        return {}

    def is_better_than(self, *about):
        return False


def _ground_unasked(model, ground):
    """(the Ground that int8 is judged on unasked or None, why there is none).

    That of the gate, else validation or test images of what the model learned from: the first with enough.
    """
    version = models.version_to_prove_on(model)
    if version is None or not any((yolo_folder(version).parent / "images" / "train").glob("*")):
        return None, "Its training images are not known, with which it would be calibrated."
    most = 0, 0
    for each in dict.fromkeys(one for one in (ground, (version, "val"), (version, "test")) if one):
        if known := ground_to_judge_on(each, MOST_UNASKED):
            images, labels = len(known.entries), sum(len(entry["boxes"]) for entry in known.entries)
            if images >= LEAST_IMAGES and labels >= LEAST_LABELS:
                return known, ""
            most = max(most, (images, labels))
    return None, (
        f"It takes {LEAST_IMAGES} images with {LEAST_LABELS} labels in a split to prove it, and there are {most[0]} "
        f"with {most[1]}."
    )
