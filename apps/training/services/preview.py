"""A grid of a dataset's images as the network will see them with some augmentation."""

import tempfile
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage

from apps.annotations.services.yolo_folders import sample_folder
from apps.core import work
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset
from apps.training.arguments import AUGMENTATION, GROUPS
from apps.training.services.warm import NoPreview, warm

KIND = "preview"
TASK = "apps.training.tasks.preview_augmentation"
SOURCES = 16  # images: mosaic and mixup draw from more than are shown
DRAWN_AT = 640  # pixels at most: what augmentation does is relative to the size, and the tiles are small
KEPT = 2  # of a person's previews of a dataset; the one that the page shows may be the last but one


def start_preview(user, dataset, img_size, arguments, seed=0):
    """Queue the drawing and return its job; what this person had drawn of the dataset before is given up."""
    subject = f"preview:{dataset.pk}"
    before = Job.objects.filter(owner=user, kind=KIND, subject=subject)
    for job in before.filter(status__in=Job.ACTIVE):
        work.cancel(job)
    _forget(before.exclude(status__in=Job.ACTIVE)[KEPT - 1 :])
    wanted = {name: value for name, value in arguments.items() if name in GROUPS[AUGMENTATION]}
    params = {"dataset_id": dataset.pk, "img_size": min(img_size, DRAWN_AT), "seed": seed, "arguments": wanted}
    return create_job(user, KIND, TASK, subject=subject, params=params, message="Drawing", about=dataset)


def _forget(jobs):
    for job in jobs:
        if job.file:
            default_storage.delete(job.file.name)
        job.delete()


def run_preview(job, report):
    """The work of a preview job: its file is the picture."""
    params = job.params
    dataset = Dataset.objects.filter(pk=params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    with tempfile.TemporaryDirectory(prefix="preview-") as name:
        folder = Path(name)
        if not sample_folder(dataset, folder, SOURCES):
            raise WorkFailed("No labelled image is in the train split: there is nothing to draw.")
        request = {
            "images": str(folder / "images"), "classes": len(dataset.class_names), "imgsz": params["img_size"],
            "colors": [row["color"] for row in dataset.classes], "args": params["arguments"], "seed": params["seed"],
            "output": str(folder / "grid.jpg"),
        }  # fmt: skip
        try:
            answer = warm.draw(request, report.check)
        except NoPreview as reason:
            raise WorkFailed(str(reason)) from None
        if answer["event"] == "failed":
            raise WorkFailed(answer["message"])
        with (folder / "grid.jpg").open("rb") as picture:
            job.file.save("grid.jpg", File(picture), save=False)
    return {"tiles": answer["tiles"], "milliseconds": answer["milliseconds"]}
