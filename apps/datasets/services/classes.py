"""The classes of a dataset: names, order, colours, and what became of each.

A class id is a position; labels carry the class's permanent number (its key). Names, order and colours change without
touching a label. Merging and deleting classes does touch labels: `annotations.services.classes` does both.
"""

import re

from django.db import transaction

from apps.datasets.models import ClassChange, Dataset

MAX_CLASSES = 1000
MAX_CLASS_NAME = 100
Action = ClassChange.Action


class BadClassName(ValueError):
    """What was asked of the classes cannot be done; the message says why."""


@transaction.atomic
def add_class(dataset, name, user=None, key=None):
    """Append a class; returns its id. `key` asks for a permanent number; where that is taken, it gets the next."""
    row = _locked(dataset)
    name = _checked(row, name)
    if len(row.class_names) >= MAX_CLASSES:
        raise BadClassName(f"A dataset has at most {MAX_CLASSES} classes.")
    if key is None or key in used_keys(row):
        key = row.next_class_key
    row.next_class_key = max(row.next_class_key, key + 1)
    row.class_names = [*row.class_names, name]
    row.class_keys = [*row.class_keys, key]
    _save(dataset, row)
    _note(row, Action.ADD, user, key=key, after=name)
    return len(row.class_names) - 1


@transaction.atomic
def rename_class(dataset, class_id, name, user=None):
    """Another name for a class; its labels stay as they are, for they carry its number."""
    row = _locked(dataset)
    before = _name_of(row, class_id)
    name = _checked(row, name, besides=class_id)
    if name == before:
        return
    row.class_names = _with(row.class_names, class_id, name)
    _save(dataset, row)
    _note(row, Action.RENAME, user, key=row.class_keys[class_id], before=before, after=name)


@transaction.atomic
def recolor_class(dataset, class_id, color, user=None):
    """Another colour for a class, as #rrggbb; empty for the palette's own."""
    row = _locked(dataset)
    name = _name_of(row, class_id)
    if color and not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise BadClassName("A colour is written as #rrggbb, like #e69f00.")
    colors = row.class_colors + [""] * (len(row.class_names) - len(row.class_colors))
    row.class_colors = _with(colors, class_id, color.lower())
    _save(dataset, row)
    _note(row, Action.RECOLOR, user, key=row.class_keys[class_id], before=name, after=color)


@transaction.atomic
def reorder_classes(dataset, keys, user=None):
    """The classes in the order of `keys`, which names each class once. Class ids change with it, labels do not."""
    row = _locked(dataset)
    if sorted(keys) != sorted(row.class_keys):
        raise BadClassName("The new order must name each class once. The classes were changed meanwhile: look again.")
    if keys == row.class_keys:
        return
    before = ", ".join(row.class_names)
    _keep_places(row, [row.places[key] for key in keys])
    _save(dataset, row)
    _note(row, Action.REORDER, user, before=_short(before), after=_short(", ".join(row.class_names)))


@transaction.atomic
def drop_class(dataset, class_id, user=None, into_key=None, num_boxes=0):
    """Take a class out of the list, merged into the class `into_key` or for good; its labels the caller moves."""
    row = _locked(dataset)
    name, key = _name_of(row, class_id), row.class_keys[class_id]
    after = row.class_names[row.places[into_key]] if into_key is not None else ""
    _keep_places(row, [place for place in range(len(row.class_names)) if place != class_id])
    _save(dataset, row)
    action = Action.DELETE if into_key is None else Action.MERGE
    _note(row, action, user, key=key, into_key=into_key, before=name, after=after, num_boxes=num_boxes)


@transaction.atomic
def set_classes(dataset, names, keys, user=None):
    """Make these the classes, as a version had them; colours of those that stay are kept."""
    row = _locked(dataset)
    colors = {key: row.color_of(place) for key, place in row.places.items() if place < len(row.class_colors)}
    if names == row.class_names and keys == row.class_keys:
        return
    before = _short(", ".join(row.class_names))
    row.class_names, row.class_keys = list(names), list(keys)
    row.class_colors = [colors.get(key, "") for key in keys] if colors else []
    row.next_class_key = max([row.next_class_key, *(key + 1 for key in keys)])
    _save(dataset, row)
    _note(row, Action.RESTORE, user, before=before, after=_short(", ".join(names)))


def successors(dataset):
    """`{permanent number of a class that is gone: that of the class that has its labels now, or None}`."""
    gone = {}
    changes = ClassChange.objects.filter(dataset=dataset, action__in=(Action.MERGE, Action.DELETE)).order_by("pk")
    for key, into in changes.values_list("key", "into_key"):
        gone[key] = into
    places = dataset.places
    return {key: _follow(gone, key, places) for key in gone if key not in places}


def former_names(dataset):
    """`{name that a class had, folded: class id}`: by renames and merges, the newest wins; names of today left out."""
    today = {name.casefold() for name in dataset.class_names}
    places, heirs, found = dataset.places, successors(dataset), {}
    changes = ClassChange.objects.filter(dataset=dataset, action__in=(Action.RENAME, Action.MERGE)).order_by("pk")
    for key, before in changes.values_list("key", "before"):
        place = places.get(key, places.get(heirs.get(key)))
        if place is not None and before.casefold() not in today:
            found[before.casefold()] = place
    return found


def classes_by_name(dataset):
    """`{name, folded: class id}` of today's names, and of the former ones that no class has today."""
    return former_names(dataset) | {name.casefold(): place for place, name in enumerate(dataset.class_names)}


def used_keys(dataset):
    """Every permanent number that a class has or ever had."""
    gone = ClassChange.objects.filter(dataset=dataset).exclude(key=None).values_list("key", flat=True)
    return {*dataset.class_keys, *gone}


def _follow(gone, key, places):
    seen = set()
    while key is not None and key not in places and key not in seen:
        seen.add(key)
        key = gone.get(key)
    return key if key in places else None


def _locked(dataset):
    return Dataset.objects.select_for_update().get(pk=dataset.pk)


def _name_of(row, class_id):
    if not 0 <= class_id < len(row.class_names):
        raise BadClassName("There is no such class.")
    return row.class_names[class_id]


def _with(values, place, value):
    return [*values[:place], value, *values[place + 1 :]]


def _keep_places(row, places):
    row.class_names, row.class_keys = [row.class_names[p] for p in places], [row.class_keys[p] for p in places]
    if row.class_colors:
        colors = row.class_colors + [""] * max(places, default=0)
        row.class_colors = [colors[p] for p in places]


def _save(dataset, row):
    row.num_classes = len(row.class_names)
    fields = ["class_names", "class_keys", "class_colors", "next_class_key", "num_classes"]
    row.save(update_fields=[*fields, "updated_at"])
    for field in (*fields, "updated_at"):
        setattr(dataset, field, getattr(row, field))


def _note(row, action, user, **values):
    ClassChange.objects.create(dataset=row, action=action, user=user, **values)


def _short(text):
    return text if len(text) <= 100 else f"{text[:99]}…"


def _checked(row, name, besides=None):
    name = " ".join(str(name).split())
    if not name or len(name) > MAX_CLASS_NAME or not name.isprintable():
        raise BadClassName(f"A class needs a name of 1 to {MAX_CLASS_NAME} printable characters.")
    if any(other.casefold() == name.casefold() for i, other in enumerate(row.class_names) if i != besides):
        raise BadClassName(f"There is a class “{name}” already.")
    return name
