"""Every write to datasets and their images."""

from apps.datasets.services.classes import (
    MAX_CLASS_NAME,
    BadClassName,
    add_class,
    drop_class,
    former_names,
    recolor_class,
    rename_class,
    reorder_classes,
    set_classes,
    successors,
)
from apps.datasets.services.datasets import create_dataset, delete_dataset, refresh_counts, touch, update_dataset
from apps.datasets.services.files import delete_pending_files
from apps.datasets.services.images import (
    add_images,
    delete_images,
    insert_rows,
    prepare_image,
    set_split,
)
from apps.datasets.services.reports import keep_report, kept_report
from apps.datasets.services.splits import assign_splits

__all__ = [
    "MAX_CLASS_NAME",
    "BadClassName",
    "add_class",
    "add_images",
    "assign_splits",
    "create_dataset",
    "delete_dataset",
    "delete_images",
    "delete_pending_files",
    "drop_class",
    "former_names",
    "insert_rows",
    "keep_report",
    "kept_report",
    "prepare_image",
    "recolor_class",
    "refresh_counts",
    "rename_class",
    "reorder_classes",
    "set_classes",
    "set_split",
    "successors",
    "touch",
    "update_dataset",
]
