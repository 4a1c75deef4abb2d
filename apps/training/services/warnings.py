"""What a training's figures should be read with."""

from pathlib import Path

from apps.annotations.services.entries import version_entries
from apps.datasets.services.leaks import leaks_of_splits

NAMED = 5  # files in a sentence; the log of the engine has all


def skipped_in_words(version, images):
    """A sentence about images that a run leaves out, by the names that people know; `images` are {path: reason}."""
    names = {entry["sha256"]: entry["filename"] for entry in version_entries(version)}
    known = [(names.get(Path(path).stem, Path(path).name), reason) for path, reason in images.items()]
    named = ", ".join(f"{name} ({reason})" for name, reason in known[:NAMED])
    more = f" and {len(known) - NAMED} more" if len(known) > NAMED else ""
    count = "1 image cannot be read and is" if len(known) == 1 else f"{len(known)} images cannot be read and are"
    return f"{count} left out: {named}{more}. Upload the image again, and train again, to have it learned from."


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
