"""Building a model as a deployment's owner chose, beside the model's own build."""

from django.core.files.storage import default_storage

from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.inference.services import building
from apps.inference.services.exporting import INT8, export, weights_answers, weights_milliseconds
from apps.inference.services.proving import Way
from apps.inference.services.quantizing import INT8_CONF, ground_to_judge_on, int8_refused, judge_int8
from apps.models import services as models
from apps.models.models import ServingBuild, TrainedModel


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
    ground = ground_to_judge_on(ground)
    if ground is None:
        raise WorkFailed(
            "There are no labelled images to judge int8 on. Choose a dataset version and a split with labels in the "
            "gate's settings."
        )
    exported = export(model, folder, ground.paths, report, choice, [INT8], INT8_CONF)
    report(0.8, "Holding it against the weights on labelled images")
    way = Way("openvino", folder / INT8, "int8")
    judged = judge_int8(way, model, ground, weights_answers(exported, folder), report)
    if reason := int8_refused(judged):
        raise BuildRefused(reason)
    way.figures = {}
    more = {"compared": "labels", "int8": judged, "weights_milliseconds": weights_milliseconds(exported)}
    return way, building.known(way, [way], True) | more
