"""Building a model as a deployment's owner chose, beside the model's own build."""

from django.core.files.storage import default_storage

from apps.annotations.services.entries import version_entries
from apps.annotations.services.yolo_folders import yolo_folder
from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.inference.runtime import Box, Prediction
from apps.inference.services import building
from apps.inference.services.judging import measure_answers
from apps.inference.services.proving import Way, try_all
from apps.models import services as models
from apps.models.models import ServingBuild, TrainedModel

INT8_FALL = 0.02  # of mAP50-95 below the weights' own: more is never served
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
    """int8 that was judged on other images is judged again."""
    if choice.precision != "int8":
        return True
    judged = known.serving["int8"]
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
    reference = exported["reference"]
    weights = measure_answers(model, ground[0], entries, [_answer(image) for image in reference["images"]])
    ours = measure_answers(model, ground[0], entries, way.answers)
    if weights is None:
        raise WorkFailed("The gate's images have no labels of the model's classes: int8 cannot be judged.")
    judged = {
        "version_id": ground[0].pk, "version": str(ground[0]), "split": ground[1], "images": len(entries),
        "labels": weights["labels"], "weights": weights["mAP50_95"], "int8": ours["mAP50_95"],
    }  # fmt: skip
    fall = judged["weights"] - judged["int8"]
    if fall > INT8_FALL:
        raise BuildRefused(
            f"int8 is not served: its mAP50-95 is {judged['int8']:.3f} where the weights have {judged['weights']:.3f}, "
            f"on {len(entries)} labelled images. {fall:.3f} lower, and at most {INT8_FALL:g} is accepted."
        )
    way.figures = {}
    more = {"compared": "labels", "int8": judged}
    more["weights_milliseconds"] = round(reference["seconds_per_image"] * 1000, 2)
    return way, building.known(way, [way], True) | more


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


def _answer(image):
    """What the weights answered, as the runtime would have."""
    return Prediction(image["width"], image["height"], [Box(*row) for row in image["boxes"]])
