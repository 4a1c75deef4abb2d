"""Building a model as a deployment's owner chose, beside the model's own build."""

from django.core.files.storage import default_storage

from apps.annotations.services.entries import version_entries
from apps.annotations.services.yolo_folders import yolo_folder
from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.inference.services import building
from apps.inference.services.judging import measure_answers
from apps.inference.services.proving import Way, try_all
from apps.models import services as models
from apps.models.models import ServingBuild, TrainedModel

INT8_FALL = 0.02  # of mAP50-95, of boxes and of masks, below the weights' own: more is never served
INT8_IMAGES = 300
INT8_CONF = 0.001  # as mAP is measured


class BuildRefused(Exception):
    """It was built, and is not good enough to serve; the message has the figures."""


def build_chosen(model, choice, ground, report):
    """The ServingBuild of `model` as `choice` has it, made where it is not there. Raises WorkFailed, BuildRefused.

    int8 is judged against the weights on `ground`, a (dataset version, split) with labels.
    """
    known = ServingBuild.objects.filter(model=model, **choice.key(model)).first()
    if known and default_storage.exists(known.file.name) and _was_judged(known, choice, ground):
        return known
    with scratch_folder() as folder:
        make = _int8 if choice.precision == "int8" else building.make
        best, serving = make(model, folder, report, ground, choice)
        report(0.95, "Storing")
        name, stored = building.store(model, best, choice.size_of(model))
    if not TrainedModel.objects.filter(pk=model.pk).exists():
        models.delete_unused(name)
        raise WorkFailed("The model was deleted meanwhile.")
    values = {"file": name, "serving": serving | stored}
    made, _ = ServingBuild.objects.update_or_create(model=model, **choice.key(model), defaults=values)
    return made


def _was_judged(known, choice, ground):
    """int8 that was judged on other images, or in a time when masks were not, is judged again."""
    if choice.precision != "int8":
        return True
    judged = known.serving["int8"]
    if "masks" not in judged and known.model.task == "segment":
        return False
    return bool(ground) and (judged["version_id"], judged["split"]) == (ground[0].pk, ground[1])


def _int8(model, folder, report, ground, choice):
    """(the way that serves, what is known of it): quantized with training images, judged on labelled ones."""
    entries, paths = _labelled(ground)
    if not entries:
        raise WorkFailed(
            "There are no labelled images to judge int8 on. Choose a dataset version and a split with labels in the "
            "gate's settings."
        )
    data = str(yolo_folder(models.version_to_prove_on(model)))
    exported = building.export(model, folder, paths, report, choice, conf=INT8_CONF, calibrate=data)
    report(0.8, "Holding it against the weights on labelled images")
    way = Way("openvino", folder / "openvino", "int8")
    try_all([way], paths, report, conf=INT8_CONF)
    if way.error:
        raise WorkFailed(f"int8 cannot be served: {way.error}")
    answers = {"weights": building.weights_answers(exported, folder), "int8": way.answers}
    measured = measure_answers(model, ground[0], entries, answers, way.imgsz)
    if measured is None:
        raise WorkFailed("The gate's images have no labels of the model's classes: int8 cannot be judged.")
    judged = {
        "version_id": ground[0].pk, "version": str(ground[0]), "split": ground[1], "images": len(entries),
        "labels": measured["labels"], **_both(measured), "masks": _of_masks(measured["masks"]),
    }  # fmt: skip
    if reason := int8_refused(judged):
        raise BuildRefused(reason)
    way.figures = {}
    more = {"compared": "labels", "int8": judged, "weights_milliseconds": building.weights_milliseconds(exported)}
    return way, building.known(way, [way], True) | more


def _both(measured):
    return {name: measured[name]["mAP50_95"] for name in ("weights", "int8")}


def _of_masks(masks):
    """The same two figures of masks, beside what they were measured on; why there are none; None of a detector."""
    return masks if not masks or "why_not" in masks else masks | _both(masks)


def int8_refused(judged):
    """Why int8 is not served, with the figures, or nothing. `judged` is what is kept of it."""
    measured = [("mAP50-95", judged), ("mAP50-95 of masks", judged["masks"] or {})]
    fallen = [
        f"its {name} is {found['int8']:.3f} where the weights have {found['weights']:.3f}, "
        f"on {found['images']} labelled images: {found['weights'] - found['int8']:.3f} lower"
        for name, found in measured
        if "int8" in found and round(found["weights"] - found["int8"], 5) > INT8_FALL
    ]
    return f"int8 is not served: {'; '.join(fallen)}. At most {INT8_FALL:g} is accepted." if fallen else ""


def _labelled(ground):
    """(entries, paths of their images) of the first labelled images of a split of a version."""
    if not ground:
        return [], []
    version, split = ground
    folder = yolo_folder(version).parent / "images" / split
    files = {path.stem: str(path) for path in folder.iterdir()} if folder.exists() else {}
    wanted = (entry for entry in version_entries(version) if entry["labeled"] and entry["split"] == split)
    entries = sorted((entry for entry in wanted if entry["sha256"] in files), key=lambda entry: entry["sha256"])
    entries = entries[:INT8_IMAGES]
    return entries, [files[entry["sha256"]] for entry in entries]
