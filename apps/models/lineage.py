"""Where a model comes from and what came of it: dataset version → training → model → deployment. Reading only."""

from pathlib import PurePath

from django.core.files.storage import default_storage

from apps.annotations.seen import seen
from apps.models.access import may_edit, visible_to


def lineage_of(user, model):
    """What `user` may see of it: `{dataset_version, parent, children}`; a version only of a dataset that they see."""
    version = seen(user, model.dataset_version)
    visible = visible_to(user)
    return {
        "dataset_version": version,
        "is_hidden": bool(model.dataset_version and not version),
        "parent": visible.filter(pk=model.parent_id).first() if model.parent_id else None,
        "children": list(visible.filter(parent=model).order_by("-pk")[:50]),
        "training_id": model.training_id if may_edit(user, model) else None,
    }


def files_of(model):
    """`[{name, what, size, sha256}]` of the files that are kept; None where a size or a hash is not known."""
    files = [{
        "name": PurePath(model.file.name).name, "what": "the weights" if model.format == "pt" else "the model",
        "size": model.num_bytes, "sha256": model.sha256,
    }]  # fmt: skip
    if model.serving_file:
        files.append({
            "name": PurePath(model.serving_file.name).name, "what": "what serves",
            "size": model.serving.get("num_bytes") or _size(model.serving_file.name),
            "sha256": model.serving.get("sha256"),
        })  # fmt: skip
    return files


def _size(name):
    try:
        return default_storage.size(name)
    except FileNotFoundError:
        return None
