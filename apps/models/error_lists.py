"""The images of an evaluation, the most wrong first. Read from its file; nothing is held in memory between requests."""

import gzip
import json
from dataclasses import dataclass

from django.core.cache import cache
from django.core.files.storage import default_storage

from apps.datasets.models import DatasetImage
from apps.models.mistakes import KINDS, chosen, judge, weight
from apps.models.models import ConfirmedLabels

KEPT_SECONDS = 3600


@dataclass(frozen=True)
class Wanted:
    """Which images: mistakes of a kind and about a class, or those of a cell (predicted, true) of the matrix."""

    conf: float = 0.25
    kind: str = ""
    class_id: int | None = None
    cell: tuple[int, int] | None = None
    with_confirmed: bool = False


def ranked_images(evaluation, wanted):
    """[(place in the file, score, sha256, revision)], the most wrong first; raises FileNotFoundError.

    Images without a mistake of the wanted ones are left out, unless a cell is asked for: it shows all of its images.
    """
    key = f"errors:{evaluation.pk}:{evaluation.evaluated_at.timestamp()}:{wanted.conf}:{wanted.kind}:{wanted.class_id}"
    key += f":{wanted.cell}".replace(" ", "")
    rows = cache.get(key)
    if rows is None:
        rows = sorted(_scored(evaluation, wanted), key=lambda row: (-row[1], row[0]))
        cache.set(key, rows, KEPT_SECONDS)
    if wanted.with_confirmed:
        return rows
    right = ConfirmedLabels.objects.filter(image__dataset=evaluation.dataset_version.dataset_id)
    right = set(right.values_list("image__sha256", "revision"))
    return [row for row in rows if (row[2], row[3]) not in right]


def _scored(evaluation, wanted):
    for place, line in enumerate(_lines(evaluation)):
        if wanted.cell and not any((p, t) == wanted.cell for p, t, _ in line["cells"]):
            continue
        score = sum(map(weight, chosen(judge(line, wanted.conf)[0], wanted.kind, wanted.class_id)))
        if score or wanted.cell:
            yield place, round(score, 3), line["sha256"], line["revision"]


def _lines(evaluation):
    with default_storage.open(evaluation.images.name) as stored, gzip.open(stored, "rt") as lines:
        for line in lines:
            yield json.loads(line)


def describe_images(evaluation, rows, wanted):
    """The rows of one page with what to show of each; in one query, whatever their number."""
    lines = _lines_at(evaluation, {row[0] for row in rows})
    dataset_id = evaluation.dataset_version.dataset_id
    images = DatasetImage.objects.filter(dataset=dataset_id, sha256__in=[row[2] for row in rows])
    images = {image.sha256: image for image in images}
    confirmed = ConfirmedLabels.objects.filter(image__in=[image.pk for image in images.values()])
    confirmed = set(confirmed.values_list("image_id", "revision"))
    return [_described(evaluation, lines[row[0]], row, images.get(row[2]), wanted, confirmed) for row in rows]


def _lines_at(evaluation, places):
    found, last = {}, max(places, default=-1)
    with default_storage.open(evaluation.images.name) as stored, gzip.open(stored, "rt") as lines:
        for place, line in enumerate(lines):
            if place in places:
                found[place] = json.loads(line)
            if place >= last:
                break
    return found


def _described(evaluation, line, row, image, wanted, confirmed):
    mistakes, right = judge(line, wanted.conf)
    names = evaluation.model.class_names
    shown = [_in_words(one, names) for one in chosen(mistakes, wanted.kind, wanted.class_id)]
    return {
        "image": image, "filename": line["filename"], "width": line["width"], "height": line["height"],
        "revision": line["revision"], "score": row[1], "mistakes": shown, "right": right,
        "is_confirmed": image is not None and (image.pk, line["revision"]) in confirmed,
        "is_changed": image is not None and image.revision != line["revision"],
    }  # fmt: skip


def _in_words(mistake, names):
    said = names[mistake["class_id"]] if mistake["class_id"] < len(names) else str(mistake["class_id"])
    label = mistake["label_class"]
    is_label = None if label is None else names[label] if label < len(names) else str(label)
    return mistake | {"class_name": said, "label_name": is_label, "kind_words": KINDS[mistake["kind"]]}
