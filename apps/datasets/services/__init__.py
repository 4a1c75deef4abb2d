"""Every write to datasets and their images."""

from apps.datasets.services.bulk import (
    ListChanged,
    change_image,
    change_images,
    forget_old_changes,
    set_group,
    undo_change,
)
from apps.datasets.services.classes import (
    MAX_CLASS_NAME,
    BadClassName,
    add_class,
    classes_by_name,
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
    set_split,
)
from apps.datasets.services.new_images import NewImage, add_to_counts, check_new_image, insert_rows, store_images
from apps.datasets.services.reports import keep_report, kept_report
from apps.datasets.services.splits import assign_splits
from apps.datasets.services.tags import BadTag, clean_tags, set_tags, tag_images, untag_images
from apps.datasets.services.trash import (
    purge_expired,
    purge_from_trash,
    purge_images,
    restore_images,
    run_purge,
    trash_images,
    trashed_images,
)

__all__ = [
    "MAX_CLASS_NAME",
    "BadClassName",
    "BadTag",
    "ListChanged",
    "NewImage",
    "add_class",
    "add_images",
    "add_to_counts",
    "assign_splits",
    "change_image",
    "change_images",
    "check_new_image",
    "classes_by_name",
    "clean_tags",
    "create_dataset",
    "delete_dataset",
    "delete_pending_files",
    "drop_class",
    "forget_old_changes",
    "former_names",
    "insert_rows",
    "keep_report",
    "kept_report",
    "purge_expired",
    "purge_from_trash",
    "purge_images",
    "recolor_class",
    "refresh_counts",
    "rename_class",
    "reorder_classes",
    "restore_images",
    "run_purge",
    "set_classes",
    "set_group",
    "set_split",
    "set_tags",
    "store_images",
    "successors",
    "tag_images",
    "touch",
    "trash_images",
    "trashed_images",
    "undo_change",
    "untag_images",
    "update_dataset",
]
