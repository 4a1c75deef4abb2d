"""Pre-labelling: a model's predictions as suggestions, for one image at once or for many as a job."""

from django.core.files.storage import default_storage

from apps.annotations.services.suggestions import in_class, replace_suggestions, worth_offering
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.pieces import by_pk
from apps.core.work import WorkFailed
from apps.datasets import services as datasets
from apps.datasets.filters import images_matching
from apps.datasets.models import Dataset
from apps.inference import services
from apps.inference.outlines import outline_of
from apps.inference.runtime import BadImage
from apps.models.models import TrainedModel

TASK = "apps.inference.tasks.prelabel"


def class_mapping(model, dataset):
    """Class id of the model → permanent number of the dataset's class; and the names that have no match.

    By name in any case, as it is or as it was before it was renamed or merged.
    """
    ours = keys_by_name(dataset)
    mapping = {i: ours[name.casefold()] for i, name in enumerate(model.class_names) if name.casefold() in ours}
    return mapping, [name for i, name in enumerate(model.class_names) if i not in mapping]


def keys_by_name(dataset):
    """`{name: permanent number}` of a dataset's classes, in small letters, their former names included."""
    return {name: dataset.class_keys[place] for name, place in datasets.classes_by_name(dataset).items()}


def predict_on(model, image, mapping, conf):
    """A model's predictions on a stored image, in the dataset's classes, boxes normalized; raises as `predict`."""
    with default_storage.open(image.file.name) as file:
        prediction = services.predict(model, file.read(), conf=conf)
    width, height = prediction.width, prediction.height
    wants_outlines = image.dataset.task == Dataset.Task.SEGMENT
    return [
        {
            "class_key": mapping[box.class_id], "confidence": round(box.confidence, 4),
            "x_center": (box.x1 + box.x2) / 2 / width, "y_center": (box.y1 + box.y2) / 2 / height,
            "width": (box.x2 - box.x1) / width, "height": (box.y2 - box.y1) / height,
            "points": outline_of(box, width, height) if wants_outlines else None,
        }
        for box in prediction.boxes
        if box.class_id in mapping and box.x2 > box.x1 and box.y2 > box.y1
    ]  # fmt: skip


def prelabel_image(model, image, conf):
    """(suggestions worth offering on an image, class names of the model that the dataset lacks)."""
    mapping, unmapped = class_mapping(model, image.dataset)
    found = worth_offering(image, predict_on(model, image, mapping, conf))
    return [in_class(image.dataset, one) for one in found], unmapped


def start_prelabel(user, dataset, model, query, conf):
    """Queue the pre-labelling of all images that match `query`; returns the job."""
    params = {"dataset_id": dataset.pk, "model_id": model.pk, "query": dict(query), "conf": conf}
    return create_job(user, "prelabel", TASK, subject=f"dataset:{dataset.pk}", params=params, about=dataset)


def run_prelabel(job: Job, report):
    """The work of a prelabel job: suggestions only, never labels; safe to run again."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    model = TrainedModel.objects.filter(pk=job.params["model_id"]).first()
    if dataset is None or model is None:
        raise WorkFailed("The dataset or the model is gone.")
    mapping, unmapped = class_mapping(model, dataset)
    if not mapping:
        raise WorkFailed(f"The dataset has none of the model's classes: {', '.join(unmapped)}.")
    images = images_matching(dataset, job.params["query"])
    total, done, offered, problems = images.count(), 0, 0, []
    for image in by_pk(images):
        image.dataset = dataset
        try:
            found = predict_on(model, image, mapping, job.params["conf"])
        except BadImage as bad:
            problems.append({"file": image.filename, "line": None, "reason": str(bad)})
        except services.NotServed as reason:
            raise WorkFailed(str(reason)) from None
        else:
            replace_suggestions(image, model.name, found)
            offered += len(found)
        done += 1
        report(done / max(total, 1), f"{done} of {total} images")
    return {
        "images": done, "suggestions": offered, "unmapped": unmapped, "problems": problems,
        "num_problems": len(problems), "figures": {"images": done, "suggestions": offered},
        "page_url": f"/datasets/{dataset.pk}/label", "page_words": "Look through them",
    }  # fmt: skip
