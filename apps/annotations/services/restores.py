"""Making a version the working state again, as a job. What was there before is a version of its own first."""

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.urls import reverse

from apps.annotations.models import Annotation, DatasetVersion, Revision, Suggestion
from apps.annotations.services.entries import version_entries, version_header
from apps.annotations.services.labels import as_dict
from apps.annotations.services.versions import create_version
from apps.core import work
from apps.core.images import BadImage
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage, Tag

TASK = "apps.annotations.tasks.restore_version"
BATCH = 200  # images in one transaction
KEPT_PROBLEMS = 1000
PLACE = ("class_key", "x_center", "y_center", "width", "height", "points")
State = DatasetImage.State


class RestoreRefused(ValueError):
    """A restore that cannot begin now; the message says why."""


@transaction.atomic
def start_restore(user, version):
    """Queue the restore of a version; returns the job. Raises RestoreRefused while another one is under way."""
    Dataset.objects.select_for_update().get(pk=version.dataset_id)
    subject = f"dataset:{version.dataset_id}"
    if Job.objects.filter(kind="restore", subject=subject, status__in=Job.ACTIVE).exists():
        raise RestoreRefused("A version of this dataset is being restored already. Wait for it, or cancel it.")
    params = {"dataset_id": version.dataset_id, "number": version.number, "before": None}
    return create_job(user, "restore", TASK, subject=subject, params=params, about=version.dataset)


def run_restore(job, report):
    """The work of a restore job.

    It goes through the images in batches, each a transaction that changes only what differs: killed at any instant and
    run again, it finds the finished ones as they should be. Images that people add or change while it runs stay theirs;
    the result says so.
    """
    versions = DatasetVersion.objects.filter(dataset_id=job.params["dataset_id"]).select_related("dataset")
    version = versions.filter(number=job.params["number"]).first()
    if version is None:
        raise WorkFailed("The dataset is gone.")
    report(0, "Keeping what is there now as a version")
    # A run after a kill keeps what it meets as well: people may have gone on in between.
    note = f"Before version {version.number} was restored"
    before, _ = create_version(version.dataset, job.owner, note)
    if job.params["before"] is None:
        work.update_running(job, params=job.params | {"before": before.number})
    restore = Restore(job, version, report)
    try:
        restore.run()
    finally:
        datasets.refresh_counts(version.dataset)
    now, _ = create_version(version.dataset, job.owner)
    return restore.result(now)


class Restore:
    """One run of a restore."""

    def __init__(self, job, version, report):
        self.version, self.dataset, self.user = version, version.dataset, job.owner
        self.before, self.report = job.params["before"], report
        self.header = version_header(version)
        self.counts, self.problems = Counter(), []

    def run(self):
        self._set_classes(lambda key: True)
        total, done, after = max(self.version.num_images, 1), 0, ""
        entries = version_entries(self.version)
        with ThreadPoolExecutor(2, thread_name_prefix="decode") as pool:
            while batch := list(islice(entries, BATCH)):
                self._restore(batch, after, pool)
                after, done = batch[-1]["sha256"], done + len(batch)
                self.report(done / total, f"{done} of {total} images")
        self._trash(DatasetImage.objects.filter(dataset=self.dataset, sha256__gt=after))
        self._drop_other_classes()

    @transaction.atomic
    def _drop_other_classes(self):
        """Classes that are not in the version go, but for those that people gave to images while this ran."""
        Dataset.objects.select_for_update().get(pk=self.dataset.pk)
        used = set(Annotation.objects.of(self.dataset).order_by().values_list("class_key", flat=True).distinct())
        self._set_classes(used.__contains__)
        self.dataset.refresh_from_db()
        # What is in the trash stays as it is: `restore_images` sees to its classes when it comes back.
        offered = Suggestion.objects.filter(image__in=self.dataset.images.values("pk"))
        offered.exclude(class_key__in=self.dataset.class_keys).delete()

    def _set_classes(self, stays):
        """The classes of the version, and behind them those of today's others whose number `stays`."""
        self.dataset.refresh_from_db()
        names, keys = list(self.header["class_names"]), list(self.header["class_keys"])
        taken = {name.casefold() for name in names}
        for key, name in zip(self.dataset.class_keys, self.dataset.class_names, strict=True):
            if key not in keys and stays(key):
                names.append(_free_name(name, taken))
                keys.append(key)
        datasets.set_classes(self.dataset, names, keys, self.user)

    def _restore(self, batch, after, pool):
        wanted = {entry["sha256"]: entry for entry in batch}
        fresh = self._from_stored_files(wanted, pool)
        with transaction.atomic():
            self._bring_back(wanted, fresh)
            within = DatasetImage.objects.filter(
                dataset=self.dataset, sha256__gt=after, sha256__lte=batch[-1]["sha256"]
            )
            self._trash(within.exclude(sha256__in=wanted))
            images = list(within.select_for_update().filter(sha256__in=wanted).order_by("pk"))
            moved, relabelled = self._set_splits(images, wanted), self._set_labels(images, wanted)
            if moved or relabelled:
                datasets.refresh_counts(self.dataset)

    # --- images -------------------------------------------------------------------------------------------
    def _from_stored_files(self, wanted, pool):
        """Rows, not yet inserted, for images that have none, not even in the trash."""
        lacking = wanted.keys() - self._hashes(DatasetImage.objects, wanted)
        gone = [wanted[sha] for sha in lacking - self._hashes(datasets.trashed_images(self.dataset), lacking)]
        new = [image for image in pool.map(self._check, gone) if image is not None]
        datasets.store_images(new)  # what versions do not keep: thumbnails
        return [image.row for image in new]

    def _check(self, entry):
        about = {"split": entry["split"], "group": entry["group"], "source": entry["source"]}
        try:
            with default_storage.open(entry["file"]) as file:
                return datasets.check_new_image(self.dataset, entry["filename"], file.read(), **about)
        except (OSError, BadImage) as error:
            reason = f"Cannot come back: its stored file {entry['file']} cannot be read ({error})."
            self.problems.append({"file": entry["filename"], "line": None, "reason": reason})
            return None

    def _bring_back(self, wanted, fresh):
        lacking = wanted.keys() - self._hashes(DatasetImage.objects, wanted)
        trashed = datasets.trashed_images(self.dataset).filter(sha256__in=lacking)
        if trashed.exists():
            self.counts["from the trash"] += datasets.restore_images(self.dataset, trashed, self.user)[0]
        if fresh:
            inserted, _ = datasets.insert_rows(self.dataset, fresh)
            DatasetImage.objects.filter(pk__in=[row.pk for row in inserted]).update(in_version=True)
            self._tag(inserted, wanted)
            datasets.refresh_counts(self.dataset)
            self.counts["from stored files"] += len(inserted)

    def _hashes(self, images, wanted):
        """Which hashes there are: images that are present and those in the trash have an index each, both none."""
        return set(images.filter(dataset=self.dataset, sha256__in=wanted).values_list("sha256", flat=True))

    def _tag(self, images, wanted):
        for image in images:
            for name in wanted[image.sha256]["tags"]:
                image.tags.add(Tag.objects.get_or_create(dataset=self.dataset, name=name)[0])

    def _trash(self, images):
        if images.exists():
            self.counts["to the trash"] += datasets.trash_images(self.dataset, images, self.user)

    def _set_splits(self, images, wanted):
        moved = 0
        for split in {entry["split"] for entry in wanted.values()}:
            pks = [i.pk for i in images if wanted[i.sha256]["split"] == split and i.split != split]
            moved += DatasetImage.objects.filter(pk__in=pks).update(split=split)
        self.counts["moved"] += moved
        return bool(moved)

    # --- labels -------------------------------------------------------------------------------------------
    def _set_labels(self, images, wanted):
        """Give images the labels that they had, as a new revision where they differ; rows that stay keep their ids."""
        others = self._with_other_labels(images, wanted)
        rows = {image.pk: [] for image in others}
        for row in Annotation.objects.filter(image__in=rows).order_by("pk"):
            rows[row.image_id].append(row)
        changes = []
        for image in others:
            entry = wanted[image.sha256]
            changes.append((image, entry, *_differing(image, rows[image.pk], entry["boxes"])))
        self._write_labels(changes)
        self.counts["relabelled"] += len(changes)
        return bool(changes)

    def _with_other_labels(self, images, wanted):
        """Those of the images that are not labelled as the version has them: found without a row for every label."""
        places = {image.pk: Counter() for image in images}
        for pk, *place in Annotation.objects.filter(image__in=places).order_by().values_list("image_id", *PLACE):
            places[pk][_place(*place)] += 1
        return [
            image for image in images
            if image.is_labeled != wanted[image.sha256]["labeled"]
            or places[image.pk] != Counter(_place(*box[:6]) for box in wanted[image.sha256]["boxes"])
        ]  # fmt: skip

    def _write_labels(self, changes):
        gone = [row.pk for *_, gone, _ in changes for row in gone]
        for start in range(0, len(gone), 500):
            Annotation.objects.filter(pk__in=gone[start : start + 500]).delete()
        Annotation.objects.bulk_create((row for *_, new in changes for row in new), batch_size=500)
        revisions = []
        for image, entry, kept, gone_rows, new in changes:
            labels = [as_dict(row) for row in (*kept, *new)]
            image.revision += 1
            image.num_boxes, image.is_labeled = len(labels), entry["labeled"]
            image.state = State.LABELED if image.is_labeled else State.UNLABELED
            revisions.append(Revision(
                image=image, number=image.revision, author=self.user, kind=Revision.Kind.RESTORE, annotations=labels,
                num_annotations=len(labels), added=len(new), removed=len(gone_rows),
            ))  # fmt: skip
        Revision.objects.bulk_create(revisions, batch_size=200)
        self._write_images([image for image, *_ in changes])

    def _write_images(self, images):
        """A query for each number of boxes: bulk_update would build a condition for every image."""
        alike = defaultdict(list)
        for image in images:
            alike[image.num_boxes, image.is_labeled, image.state].append(image.pk)
        for (num_boxes, is_labeled, state), pks in alike.items():
            DatasetImage.objects.filter(pk__in=pks).update(
                revision=F("revision") + 1, num_boxes=num_boxes, is_labeled=is_labeled, state=state
            )

    def result(self, now):
        number, exact = self.version.number, now.pk == self.version.pk
        back = f" To take this back, restore version {self.before}." if self.before != now.number else ""
        words = f"The dataset is as version {number} has it.{back}" if exact else (
            f"Done, but the dataset is not wholly as version {number}: people changed something meanwhile, or an image "
            f"could not come back. It is version {now.number} now; compare the two to see what differs."
        )  # fmt: skip
        names = ("to the trash", "from the trash", "from stored files", "moved", "relabelled")
        return {
            "number": number, "before": self.before, "now": now.number, "exact": exact, "words": words,
            "figures": {name: self.counts[name] for name in names}, "num_problems": len(self.problems),
            "page_url": reverse("annotations:version_list", args=[self.dataset.pk]), "page_words": "See the versions",
            **({"problems": self.problems[:KEPT_PROBLEMS]} if self.problems else {}),
        }  # fmt: skip


def _differing(image, rows, boxes):
    """(rows that stay, rows that go, new rows) that make `rows` the boxes of a version."""
    wanted = Counter(_place(*box[:6]) for box in boxes)
    kept, gone, new = [], [], []
    for row in rows:
        place = _place(*(getattr(row, name) for name in PLACE))
        if wanted[place]:
            wanted[place] -= 1
            kept.append(row)
        else:
            gone.append(row)
    for box in boxes:
        if wanted[_place(*box[:6])]:
            wanted[_place(*box[:6])] -= 1
            key, x, y, width, height, points, confidence, source = box
            new.append(Annotation(
                image=image, class_key=key, x_center=x, y_center=y, width=width, height=height, points=points,
                confidence=confidence, source=source or Annotation.Source.MANUAL,
            ))  # fmt: skip
    return kept, gone, new


def _place(key, x, y, width, height, points):
    return key, x, y, width, height, tuple(map(tuple, points)) if points else None


def _free_name(name, taken):
    """The name, with a number behind it where a class of the version is called so."""
    free, number = name, 2
    while free.casefold() in taken:
        free, number = f"{name} {number}", number + 1
    taken.add(free.casefold())
    return free
