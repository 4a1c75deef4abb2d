"""What the training page proposes for a dataset."""

from django.db.models import Avg

from apps.datasets.sample import SAMPLE_SETTINGS

USUAL = {
    "model_type": "yolo11n",
    "weights": "auto",
    "epochs": 100,
    "batch_size": 16,
    "patience": 50,
    "seed": 0,
}
USUAL_OPTIMIZER = "auto"
LARGEST = 640


def propose(dataset):
    """Initial values of the training form."""
    if dataset.is_sample:
        return _sample()
    return {**USUAL, "optimizer": USUAL_OPTIMIZER, "img_size": _img_size(dataset)}


def _sample():
    """The settings that the sample dataset was made for: a result within minutes on two CPU cores."""
    wanted = dict(SAMPLE_SETTINGS)
    return {
        "model_type": wanted.pop("model").removesuffix(".yaml"), "weights": "scratch", "epochs": wanted.pop("epochs"),
        "batch_size": wanted.pop("batch"), "img_size": wanted.pop("imgsz"), "learning_rate": wanted.pop("lr0"),
        **wanted,
    }  # fmt: skip


def _img_size(dataset):
    """The images' own size, as far as that is usual: small images are not blown up for nothing."""
    mean = dataset.images.aggregate(width=Avg("width"), height=Avg("height"))
    longer = max(mean["width"] or LARGEST, mean["height"] or LARGEST)
    return min(LARGEST, max(64, round(longer / 32) * 32))
