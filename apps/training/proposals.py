"""What the training page proposes for a dataset."""

from django.db.models import Avg

from apps.datasets.sample import SAMPLE_SETTINGS
from apps.training.presets import BALANCED, presets

USUAL = {"weights": "auto", "patience": 50, "seed": 0}
LARGEST = 640


def propose(dataset, choices):
    """Initial values of the training form; `choices` are the dataset's presets."""
    if dataset.is_sample:
        return _sample()
    balanced = next(preset for preset in choices if preset.key == BALANCED)
    return USUAL | balanced.values


def presets_for(dataset, images, machine):
    """The presets for a dataset, of which `images` (`{"train", "val"}`) are labelled."""
    return presets(images, _longer_side(dataset), machine)


def _sample():
    """The settings that the sample dataset was made for: a result within minutes on two CPU cores."""
    wanted = dict(SAMPLE_SETTINGS)
    return {
        "model_type": wanted.pop("model").removesuffix(".yaml"), "weights": "scratch", "epochs": wanted.pop("epochs"),
        "batch_size": wanted.pop("batch"), "img_size": wanted.pop("imgsz"), "learning_rate": wanted.pop("lr0"),
        **wanted,
    }  # fmt: skip


def _longer_side(dataset):
    """Pixels of the images' longer side, on the average."""
    mean = dataset.images.aggregate(width=Avg("width"), height=Avg("height"))
    return max(mean["width"] or LARGEST, mean["height"] or LARGEST)
