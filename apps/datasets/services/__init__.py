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
    set_split,
)
from apps.datasets.services.new_images import NewImage, add_to_counts, check_new_image, insert_rows, store_images
from apps.datasets.services.reports import keep_report, kept_report
from apps.datasets.services.splits import assign_splits

__all__ = [
    "MAX_CLASS_NAME",
    "BadClassName",
    "NewImage",
    "add_class",
    "add_images",
    "add_to_counts",
    "assign_splits",
    "check_new_image",
    "create_dataset",
    "delete_dataset",
    "delete_images",
    "delete_pending_files",
    "drop_class",
    "former_names",
    "insert_rows",
    "keep_report",
    "kept_report",
    "recolor_class",
    "refresh_counts",
    "rename_class",
    "reorder_classes",
    "set_classes",
    "set_split",
    "store_images",
    "successors",
    "touch",
    "update_dataset",
]
