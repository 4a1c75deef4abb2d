"""Where a model comes from and what came of it: dataset version → training → model → deployment. Reading only."""

from pathlib import PurePath

from django.core.files.storage import default_storage

from apps.annotations.seen import seen
from apps.core.access import rows_seen
from apps.models.access import may_edit, visible_to

MOST = 50  # of each kind of what came of a model


def lineage_of(user, model):
    """What `user` may see of it: where it comes from, and which models and deployments came of it.

    A version only of a dataset that they see. Deployments are rows of a higher floor, known by their relation only.
    """
    version = seen(user, model.dataset_version)
    visible = visible_to(user)
    return {
        "dataset_version": version,
        "is_hidden": bool(model.dataset_version and not version),
        "parent": visible.filter(pk=model.parent_id).first() if model.parent_id else None,
        "children": list(visible.filter(parent=model).order_by("-pk")[:MOST]),
        "deployments": list(rows_seen(model.deployments.order_by("name", "pk"), user)[:MOST]),
        "training_id": model.training_id if may_edit(user, model) else None,
    }


def files_of(model):
    """`[{name, what, size, sha256}]` of the files that are kept; None where a size or a hash is not known."""
    files = [{
        "name": PurePath(model.file.name).name, "what": "the weights" if model.format == "pt" else "the model",
        "size": model.num_bytes, "sha256": model.sha256,
    }]  # fmt: skip
    if model.serving_file:
        files.append(_built(model, model.serving_file, "what serves"))
    files += [_built(build, build.file, f"what serves, {build.way}") for build in model.builds.order_by("pk")]
    for row in model.exports.exclude(file="").order_by("pk"):
        files.append({
            "name": PurePath(row.file.name).name, "what": f"export to {row.format}, {row.precision}, {row.img_size} px",
            "size": row.num_bytes, "sha256": row.sha256,
        })  # fmt: skip
    return files


def _built(row, file, what):
    """What serves, of a model or a ServingBuild; one that an older release made has no hash."""
    size = row.serving.get("num_bytes") or _size(file.name)
    return {"name": PurePath(file.name).name, "what": what, "size": size, "sha256": row.serving.get("sha256")}


def _size(name):
    try:
        return default_storage.size(name)
    except FileNotFoundError:
        return None
