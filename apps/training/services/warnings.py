"""What a training's figures should be read with."""

from apps.annotations.services.entries import version_entries
from apps.datasets.services.leaks import leaks_of_splits


def split_warnings(version, report=lambda part: None):
    """Sentences about the splits of a version, for its log and its page; none where nothing leaks."""
    splits = {entry["sha256"]: entry["split"] for entry in version_entries(version) if entry["labeled"]}
    splits = {sha256: split for sha256, split in splits.items() if split}
    found = leaks_of_splits(version.dataset, splits, report)
    if not found["num_groups"]:
        return []
    one = found["num_groups"] == 1
    return [
        f"The splits leak: {found['num_groups']} group{'' if one else 's'} of images from one source "
        f"({found['num_images']} images) {'lies' if one else 'lie'} in more than one split, so validation looks better "
        "than the model is. Mend this on the dataset's page “Health”, and train again."
    ]
