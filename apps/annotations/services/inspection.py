"""Looking into an archive before it goes in: what it has, what is wrong with it, and a few of its pictures. A job."""

import io
import random
from collections import Counter, defaultdict

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.urls import reverse
from PIL import Image

from apps.annotations.formats import FormatError, read
from apps.annotations.services.imports.archive import job_archive, said
from apps.annotations.services.imports.start import clean_archive_name
from apps.annotations.services.imports.words import KIND_WORDS, Kind
from apps.annotations.services.orientation import turned
from apps.core import fetching
from apps.core.archives import ArchiveError
from apps.core.images import BadImage, check_image, encode
from apps.core.jobs import create_job
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset

TASK = "apps.annotations.tasks.inspect_archive"
SAMPLES, CANDIDATES, COLUMNS = 9, 15, 3
CELL = (288, 216)  # pixels of a sample
BOXES_SHOWN = 200  # on a sample
EXAMPLES = 5  # of each kind of problem
FETCHING = 0.7  # of the progress, where the archive is fetched first


def start_inspection(user, dataset, upload, format="auto", filename=""):
    """Queue a look into an archive that is to go into `dataset`, or into a new one where that is None; the job."""
    return _queued(user, dataset, format, {"filename": clean_archive_name(filename or upload.name)}, upload)


@transaction.atomic
def start_inspection_of(user, dataset, url):
    """The same of an archive that the job fetches from an address first; raises as `fetching.ask`."""
    return _queued(user, dataset, "auto", fetching.ask(user, url))


def _queued(user, dataset, format, params, upload=None):
    params = {"dataset_id": dataset.pk if dataset else None, "format": format, **params}
    subject = f"dataset:{dataset.pk}" if dataset else ""
    return create_job(user, "inspect", TASK, subject=subject, params=params, upload=upload, about=dataset)


def preview_url(job):
    """Where a person sees what was found, and says what to do with it."""
    dataset_id = job.params["dataset_id"]
    if dataset_id is None:
        return reverse("import_new_preview", args=[job.pk])
    return reverse("annotations:import_preview", args=[dataset_id, job.pk])


def run_inspection(job, say):
    """The work of an inspection job; its result is all that the preview shows. Writes nothing but samples."""
    fetching.fetch_for(job, say, FETCHING)
    start = FETCHING if "from" in job.params else 0
    say(start, "Reading the labels")
    try:
        with job_archive(job) as archive:
            reading = read(archive, job.params["format"])
            tally = Tally(reading)
            for done, labels in enumerate(reading.images):
                tally.count(labels)
                if done % 200 == 0:
                    share = done / max(reading.image_count, 1)
                    say(start + (1 - start) * share, f"{done} of {reading.image_count} images")
            tally.take_problems()
            for skipped in archive.skipped:
                tally.problem(str(Kind.SKIPPED), "left out", skipped.name, None, skipped.reason)
            samples, sheet = _samples(archive, tally)
    except (FormatError, ArchiveError) as refusal:
        raise WorkFailed(said(refusal)) from None
    if sheet is not None:
        job.file.save("samples.jpg", ContentFile(encode(sheet, "JPEG", quality=80)), save=False)
    return tally.result() | {
        "samples": samples, "sheet": list(sheet.size) if sheet else None, "page_url": preview_url(job),
        "page_words": "Go on with the import", "file_is_inner": True, "filename": "samples.jpg",
    }  # fmt: skip


class Tally:
    """Counts what a reading has; keeps a few of its images, chosen evenly and the same each time."""

    def __init__(self, reading):
        self.reading = reading
        self.images = self.labelled = self.boxes = self.polygons = 0
        self.splits, self.class_boxes, self.class_images = Counter(), Counter(), Counter()
        self.kinds, self.effects, self.examples = Counter(), {}, defaultdict(list)
        self.candidates, self._with_boxes, self._random = [], 0, random.Random(0)

    def count(self, labels):
        """Add an image."""
        self.images += 1
        self.labelled += labels.labelled
        self.boxes += len(labels.boxes)
        self.splits[labels.split] += 1
        self.polygons += sum(box.points is not None for box in labels.boxes)
        classes = Counter(box.class_index for box in labels.boxes)
        self.class_boxes.update(classes)
        self.class_images.update(classes.keys())
        self._offer(labels)
        self.take_problems()

    def take_problems(self):
        for problem in self.reading.problems.drain():
            self.problem(str(problem.code), problem.effect, problem.file, problem.line, problem.reason)

    def problem(self, kind, effect, file, line, reason):
        self.kinds[kind] += 1
        self.effects[kind] = effect
        if len(self.examples[kind]) < EXAMPLES:
            self.examples[kind].append({"file": file, "line": line, "reason": reason})

    def _offer(self, labels):
        """Reservoir sampling (Vitter's algorithm R) among images with boxes; others only fill empty places."""
        if not labels.boxes:
            if len(self.candidates) < CANDIDATES and not self._with_boxes:
                self.candidates.append(labels)
            return
        self._with_boxes += 1
        if self._with_boxes <= CANDIDATES:
            self.candidates = [kept for kept in self.candidates if kept.boxes] + [labels]
        elif (place := self._random.randrange(self._with_boxes)) < CANDIDATES:
            self.candidates[place] = labels

    def result(self):
        names = self.reading.class_names
        kinds = [
            {
                "kind": kind, "words": KIND_WORDS.get(kind, kind), "effect": self.effects[kind], "count": count,
                "examples": self.examples[kind],
            }
            for kind, count in self.kinds.most_common()
        ]  # fmt: skip
        return {
            "format": self.reading.format, "images": self.images, "labelled": self.labelled, "boxes": self.boxes,
            "polygons": self.polygons, "task": self._task(), "splits": dict(self.splits),
            "classes": [
                {"name": name, "boxes": self.class_boxes[place], "images": self.class_images[place]}
                for place, name in enumerate(names)
            ],
            "problems": kinds, "num_problems": self.kinds.total(),
            "figures": {"images": self.images, "boxes": self.boxes, "classes": len(names)},
        }  # fmt: skip

    def _task(self):
        if self.reading.task:
            return self.reading.task
        return Dataset.Task.SEGMENT if self.polygons * 2 > self.boxes else Dataset.Task.DETECT


def _samples(archive, tally):
    """(what the samples show, one sheet with all of them), or ([], None); pictures that are broken are passed over."""
    cells = []
    for labels in sorted(tally.candidates, key=lambda labels: labels.path):
        if len(cells) < SAMPLES and (cell := _cell(archive, labels)):
            cells.append(cell)
    if not cells:
        return [], None
    rows = -(-len(cells) // COLUMNS)
    sheet = Image.new("RGB", (CELL[0] * min(COLUMNS, len(cells)), CELL[1] * rows))
    for place, (sample, picture) in enumerate(cells):
        sample["x"], sample["y"] = CELL[0] * (place % COLUMNS), CELL[1] * (place // COLUMNS)
        sheet.paste(picture, (sample["x"], sample["y"]))
    return [sample for sample, _ in cells], sheet


def _cell(archive, labels):
    try:
        with archive.open(labels.path) as file:
            checked = check_image(file.read(settings.MAX_IMAGE_BYTES + 1))
    except (OSError, BadImage):
        return None
    picture = Image.open(io.BytesIO(checked.thumbnail))
    picture.thumbnail(CELL)
    width, height = picture.size
    boxes = [turned(box, labels, checked) for box in labels.boxes[:BOXES_SHOWN]]
    shown = [
        [
            box.class_index, round((box.x_center - box.width / 2) * width, 1),
            round((box.y_center - box.height / 2) * height, 1), round(box.width * width, 1),
            round(box.height * height, 1),
        ]
        for box in boxes
    ]  # fmt: skip
    sample = {"filename": labels.filename[:100], "split": labels.split, "width": width, "height": height}
    return sample | {"boxes": shown, "num_boxes": len(labels.boxes)}, picture
