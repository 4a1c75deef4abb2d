"""Measuring a model on a split of a dataset version: a job around the evaluation engine."""

import gzip
import json

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.annotations.services.entries import version_entries
from apps.annotations.services.versions import labeled_counts
from apps.annotations.services.yolo_folders import yolo_folder
from apps.core import audit
from apps.core.jobs import create_job
from apps.core.processes import Engine, finished_of
from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.datasets.services.files import forget_files
from apps.models.models import Evaluation
from apps.models.services.trained_models import copy_weights

ENGINE = "apps.models.engine.evaluate"
TASK = "apps.models.tasks.evaluate"
OWN_SPLITS = ("val", "test")
TASKS = ("detect", "segment")  # of one that segments, its boxes are measured


class EvaluationRefused(ValueError):
    """This cannot be measured; `problems` maps fields ("detail" for none) to reasons."""

    def __init__(self, problems):
        self.problems = problems
        super().__init__(" ".join(problems.values()))


def class_mapping(model, version):
    """({class id of the version: class id of the model}, names of the version's classes that the model lacks).

    Of the dataset that it learned from, by the permanent numbers of the classes; of another one, by name in any case.
    """
    own = model.dataset_version
    if own and own.dataset_id == version.dataset_id and len(own.class_keys) == len(model.class_names):
        ours, theirs = own.class_keys, version.class_keys
    else:
        ours, theirs = ([n.casefold() for n in names] for names in (model.class_names, version.class_names))
    places = {name: place for place, name in enumerate(ours)}
    mapping = {i: places[name] for i, name in enumerate(theirs) if name in places}
    return mapping, [name for i, name in enumerate(version.class_names) if i not in mapping]


def start_evaluation(model, version, split, user, again=False):
    """Measure `model` on a split of a version; returns the Evaluation, its `job` under way.

    One that is under way goes on, and one that was made with the same weights stays, unless `again`. Raises
    EvaluationRefused.
    """
    if model.task not in TASKS:
        words = f"Models that detect or segment can be evaluated so far, and this one is to {model.task}."
        raise EvaluationRefused({"detail": words})
    if not labeled_counts(version).get(split):
        known = [name for name, _ in Evaluation.SPLITS if labeled_counts(version).get(name)]
        raise EvaluationRefused(
            {"split": f"{version} has no labelled image in {split!r}. Accepted: {', '.join(known) or 'none of them'}."}
        )
    if not class_mapping(model, version)[0]:
        raise EvaluationRefused({"detail": f"{version} has none of the model's classes."})
    with transaction.atomic():
        row, _ = Evaluation.objects.get_or_create(model=model, dataset_version=version, split=split)
        row = Evaluation.objects.select_for_update(of=("self",)).select_related("job").get(pk=row.pk)
        if row.is_running or (row.weights_sha256 == model.sha256 and not again):
            return row
        row.job = create_job(
            user, "evaluation", TASK, subject=f"evaluation:{row.pk}", params={"evaluation_id": row.pk},
            team_id=model.team_id,
        )  # fmt: skip
        row.save(update_fields=["job"])
    return row


def evaluate_on_own_splits(model):
    """What follows a training: measure the model on the validation and test split of what it learned from."""
    version = model.dataset_version
    counts = labeled_counts(version) if version else {}
    return [start_evaluation(model, version, split, model.owner) for split in OWN_SPLITS if counts.get(split)]


def run_evaluation(job, report):
    """The work of an evaluation job; safe to run again."""
    query = Evaluation.objects.select_related("model__dataset_version", "dataset_version__dataset")
    row = query.filter(pk=job.params["evaluation_id"]).first()
    if row is None:
        raise WorkFailed("The model or the dataset version is gone.")
    with scratch_folder() as folder:
        finished = _measure(row, folder, report)
        report(0.96, "Storing")
        results, lines = _complete(row, finished, folder)
        name = f"datasets/{row.dataset_version.dataset_id}/evaluations/{row.pk}-{row.model.sha256[:12]}.jsonl.gz"
        with lines.open("rb") as file:
            default_storage.save(name, File(file))
    report.check()
    before, row.images = row.images.name, name
    row.results, row.curves, row.weights_sha256 = results, finished["curves"], row.model.sha256
    row.evaluated_at = timezone.now()
    if not Evaluation.objects.filter(pk=row.pk).exists():
        default_storage.delete(name)
        raise WorkFailed("The model or the dataset version is gone.")
    row.save(update_fields=["images", "results", "curves", "weights_sha256", "evaluated_at"])
    if before and before != name:
        default_storage.delete(before)
    overall = results["overall"]
    return {
        "evaluation_id": row.pk,
        "figures": {"mAP50": f"{overall['mAP50']:.3f}", "mAP50-95": f"{overall['mAP50_95']:.3f}"},
        "page_url": f"{reverse('models:model_detail', args=[row.model_id])}?evaluation={row.pk}",
        "page_words": "See the report",
    }


def _measure(row, folder, report):
    """Run the engine; returns its `finished` event."""
    model, version = row.model, row.dataset_version
    weights = folder / f"best.{model.format}"
    copy_weights(model, weights)
    report(0.02, "Preparing the images")
    mapping, _ = class_mapping(model, version)
    payload = {
        "weights": str(weights), "data": str(yolo_folder(version)), "split": row.split, "imgsz": model.img_size,
        "classes": mapping, "output": str(folder / "out"), "device": settings.TRAINING_DEVICE or None,
        "names": model.class_names, **{name: (model.card or {}).get(name) for name in ("end2end", "stride")},
    }  # fmt: skip
    engine = Engine(ENGINE, payload, folder / "job", folder / "log.txt")
    return finished_of(engine, report, "evaluation", span=(0.05, 0.95))


def _complete(row, finished, folder):
    """(results, path of the lines), with what only the platform knows: names, revisions, and what was learned from."""
    known = {
        entry["sha256"]: (entry["filename"], entry["revision"])
        for entry in version_entries(row.dataset_version)
        if entry["split"] == row.split
    }
    learned = learned_from(row.model, row.dataset_version)
    path = folder / "complete.jsonl.gz"
    seen = set()
    with gzip.open(finished["file"], "rt") as lines, gzip.open(path, "wt") as out:
        for line in map(json.loads, lines):
            sha256 = line.pop("name").split(".")[0]
            filename, revision = known[sha256]
            seen.add(sha256)
            out.write(json.dumps({"sha256": sha256, "filename": filename, "revision": revision, **line}) + "\n")
    results = finished["results"] | {
        "left_out_classes": class_mapping(row.model, row.dataset_version)[1],
        "learned_from": len(seen & learned),
    }
    return results, path


def learned_from(model, version):
    """Hashes of the images that the model learned from; empty where it is of this same version or that is unknown."""
    own = model.dataset_version
    if own is None or own.pk == version.pk:
        return set()
    return {entry["sha256"] for entry in version_entries(own) if entry["split"] == "train" and entry["labeled"]}


def version_to_prove_on(model):
    """The dataset version that the model learned from, else the newest on whose validation split it was measured."""
    if model.dataset_version:
        return model.dataset_version
    rows = model.evaluations.filter(split="val", evaluated_at__isnull=False).select_related("dataset_version")
    row = rows.order_by("-evaluated_at").first()
    return row and row.dataset_version


def on_same_ground(models, version, split):
    """{model id: its Evaluation on this split, or None}, without curves; in one query."""
    rows = Evaluation.objects.filter(model__in=models, dataset_version=version, split=split).select_related("job")
    found = {row.model_id: row for row in rows}
    return {model.pk: found.get(model.pk) for model in models}


@transaction.atomic
def delete_evaluation(evaluation, actor=None):
    """Delete what was measured, and when that is for good its file."""
    audit.record(actor, "deleted", evaluation, evaluation.model.team_id)
    forget_files([evaluation.images.name])
    evaluation.delete()
