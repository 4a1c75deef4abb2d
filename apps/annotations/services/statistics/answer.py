"""The kept figures as the API answers them and the page draws them: in today's classes, by today's names."""

from collections import defaultdict

from django.contrib.auth import get_user_model

from apps.annotations.services.statistics.balance import balance_hints
from apps.annotations.services.statistics.kept import kept_statistics
from apps.annotations.services.statistics.tallies import (
    AREAS,
    ASPECTS,
    BRIGHTNESS_STEP,
    GRID,
    RATIOS,
    SIDES,
    SPLITS,
    unpack,
)
from apps.datasets.models import DatasetImage

SOMEONE = "someone who left"
IMPORTED = "brought in by imports"
MOST_PEOPLE = 8  # with a line of their own in the chart
GROUPS = (("small", 2), ("medium", 1), ("large", 2))  # COCO's, each of so many of AREAS


def dataset_statistics(dataset):
    """Everything that is known in numbers; `computed_at` is of when, `is_current` whether nothing changed since.

    Where a large dataset was never counted, `computed_at` and all that would need a count are None.
    """
    kept = kept_statistics(dataset)
    answer = {
        "computed_at": kept.computed_at, "is_current": kept.is_current, "counting": _counting(kept.job),
        "images": dataset.num_images, "labeled": dataset.num_labeled, "boxes": dataset.num_boxes,
        **dict.fromkeys(NEED_A_COUNT),
    }  # fmt: skip
    data = kept.data
    if data is not None:
        answer |= _totals(dataset, data) | _per_class(dataset, data) | _boxes(data) | _images(data)
        answer["labelling"] = _labelling(data)
    return answer


NEED_A_COUNT = (
    "without_boxes", "changes", "classes", "hints", "splits", "states", "box_sizes", "box_size_groups", "box_sides",
    "box_shapes", "box_ratios", "boxes_per_image", "positions", "co_occurrence", "image_sizes", "brightness",
    "labelling", "boxes_without_class",
)  # fmt: skip


def positions_of_class(dataset, class_id):
    """`{class_id, class_name, boxes, cells}`: how many boxes of a class touch each cell; None without a count.

    Raises IndexError where there is no such class.
    """
    key, name = dataset.key_of(class_id), dataset.class_names[class_id]
    data = kept_statistics(dataset).data
    if data is None:
        return None
    found = data["classes"].get(str(key))
    cells = unpack(found["map"]) if found else [[0] * GRID for _ in range(GRID)]
    return {"class_id": class_id, "class_name": name, "boxes": sum(found["boxes"]) if found else 0, "cells": cells}


def who_labelled(dataset):
    """`{states: [(state, images)], people: [(username, {state: images}, all)], is_current, computed_at}`.

    A person's images are those whose newest revision is theirs. Without a count, `states` and `people` are None.
    """
    kept = kept_statistics(dataset)
    known = {"is_current": kept.is_current, "computed_at": kept.computed_at, "states": None, "people": None}
    if kept.data is None:
        return known
    names = _names(who for who, *_ in kept.data["newest"])
    people = defaultdict(lambda: defaultdict(int))
    for who, state, count in kept.data["newest"]:
        people[names[who]][state] += count
    rows = [(name, dict(counts), sum(counts.values())) for name, counts in people.items()]
    states = [(state, kept.data["states"].get(state, 0)) for state in DatasetImage.State.values]
    return known | {"states": states, "people": sorted(rows, key=lambda row: (-row[2], row[0]))}


def _counting(job):
    if job is None or job.status == job.Status.COMPLETED:
        return None
    return {"status": job.status, "progress": job.progress, "message": job.message, "error": job.error_message}


def _totals(dataset, data):
    images, labeled, empty = (sum(counts[i] for counts in data["splits"].values()) for i in range(3))
    boxes = [sum(by_split) for by_split in zip(*_box_rows(data), strict=True)]
    return {
        "images": images, "labeled": labeled, "without_boxes": empty, "boxes": sum(boxes),
        "changes": {"images": dataset.num_images - images, "boxes": dataset.num_boxes - sum(boxes)},
        "splits": [
            {
                "split": split, "images": data["splits"][split][0], "boxes": boxes[i],
                "labeled": data["splits"][split][1], "without_boxes": data["splits"][split][2],
            }
            for i, split in enumerate(SPLITS)
        ],
        "states": [{"state": state, "images": data["states"].get(state, 0)} for state in DatasetImage.State.values],
        "boxes_without_class": sum(data["other"]["boxes"]),
    }  # fmt: skip


def _box_rows(data):
    return [data["other"]["boxes"], *(found["boxes"] for found in data["classes"].values())]


def _per_class(dataset, data):
    classes = [_class_row(c, data["classes"].get(str(c["key"]))) for c in dataset.classes]
    together = [(i, dataset.place_of(key)) for i, key in enumerate(data["together"]["keys"])]
    shown = sorted((place, i) for i, place in together if place is not None)
    matrix = data["together"]["images"]
    return {
        "classes": classes,
        "hints": balance_hints(classes, [split for split in SPLITS if split and data["splits"][split][0]]),
        "co_occurrence": {
            "class_ids": [place for place, _ in shown], "images": [[matrix[a][b] for _, b in shown] for _, a in shown],
        },
        "positions": {"cells": unpack(data["map"])},
    }  # fmt: skip


def _class_row(known, found):
    nothing = [0] * len(SPLITS)
    boxes, images = (found["boxes"], found["images"]) if found else (nothing, nothing)
    return {
        "class_id": known["id"], "class_name": known["name"], "color": known["color"], "boxes": sum(boxes),
        "images": sum(images),
        "splits": {split: {"images": images[i], "boxes": boxes[i]} for i, split in enumerate(SPLITS)},
    }  # fmt: skip


def _boxes(data):
    groups, start = [], 0
    for name, length in GROUPS:
        groups.append({"range": name, "boxes": sum(data["areas"][start : start + length])})
        start += length
    return {
        "box_sizes": _ranges(AREAS, data["areas"]), "box_size_groups": groups,
        "box_shapes": _ranges(ASPECTS, data["aspects"]),
        "box_sides": {"edges": SIDES.tolist(), "boxes": data["sides"]},
        "box_ratios": {"edges": RATIOS.tolist(), "boxes": data["ratios"]},
        "boxes_per_image": data["boxes_per_image"],
    }  # fmt: skip


def _ranges(ranges, counts):
    return [{"range": name, "boxes": count} for (name, _, _), count in zip(ranges, counts, strict=True)]


def _images(data):
    return {
        "image_sizes": data["image_sizes"],
        "brightness": {
            "known": sum(data["brightness"]),
            "bars": [
                {"from": i * BRIGHTNESS_STEP, "to": (i + 1) * BRIGHTNESS_STEP - 1, "images": count}
                for i, count in enumerate(data["brightness"])
            ],
        },
    }


def _labelling(data):
    names = _names([who for who, *_ in data["people"]])
    people = {}
    for who, *counts in data["people"]:
        newest = sum(n for by, _, n in data["newest"] if by == who)
        so_far = people.get(names[who], [0] * 6)
        people[names[who]] = [a + b for a, b in zip(so_far, [newest, *counts], strict=True)]
    fields = ("newest", "first", "saves", "added", "changed", "removed")
    people = [{"name": name, **dict(zip(fields, counts, strict=True))} for name, counts in people.items()]
    people.sort(key=lambda row: (-row["first"], row["name"]))
    shown = {row["name"] for row in people[:MOST_PEOPLE]}
    by_day = defaultdict(lambda: defaultdict(int))
    for day, who, count in data["days"]:
        by_day[day][names[who] if names[who] in shown else "others"] += count
    labeled = sum(counts[1] for counts in data["splits"].values())
    return {
        "people": people,
        "days": [{"day": day, "images": dict(counts)} for day, counts in by_day.items()],
        "without_history": max(labeled - sum(count for *_, count in data["days"]), 0),
    }


def _names(people):
    """`{who: how to call them}` of ids, None and "import"."""
    people = set(people)
    users = get_user_model().objects.in_bulk([who for who in people if isinstance(who, int)])
    names = {who: users[who].username if who in users else SOMEONE for who in people}
    return names | ({"import": IMPORTED} if "import" in people else {})
