"""The classes of a dataset. A class id is its position and never shifts; labels carry id and name."""

from django.db import transaction

from apps.datasets.models import Dataset

MAX_CLASSES = 1000
MAX_CLASS_NAME = 100


class BadClassName(ValueError):
    """A name that cannot be a class's; the message says why."""


@transaction.atomic
def add_class(dataset, name):
    """Append a class; returns its id."""
    row = Dataset.objects.select_for_update().get(pk=dataset.pk)
    name = _checked(row, name)
    if len(row.class_names) >= MAX_CLASSES:
        raise BadClassName(f"A dataset has at most {MAX_CLASSES} classes.")
    _save(dataset, row, [*row.class_names, name])
    return len(row.class_names) - 1


def set_class_name(dataset, class_id, name):
    """Change the name in the list only; `annotations.services.rename_class` renames the labels with it.

    Called inside a transaction. The class keeps its id, so that no label moves to another class.
    """
    row = Dataset.objects.select_for_update().get(pk=dataset.pk)
    if not 0 <= class_id < len(row.class_names):
        raise BadClassName("There is no such class.")
    name = _checked(row, name, besides=class_id)
    _save(dataset, row, [*row.class_names[:class_id], name, *row.class_names[class_id + 1 :]])
    return name


def _save(dataset, row, names):
    row.class_names, row.num_classes = names, len(names)
    row.save(update_fields=["class_names", "num_classes", "updated_at"])
    dataset.class_names, dataset.num_classes = names, len(names)


def _checked(row, name, besides=None):
    name = " ".join(str(name).split())
    if not name or len(name) > MAX_CLASS_NAME or not name.isprintable():
        raise BadClassName(f"A class needs a name of 1 to {MAX_CLASS_NAME} printable characters.")
    if any(other.casefold() == name.casefold() for i, other in enumerate(row.class_names) if i != besides):
        raise BadClassName(f"There is a class “{name}” already.")
    return name
