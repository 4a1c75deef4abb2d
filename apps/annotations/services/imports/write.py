"""Batches of images and labels as rows: each batch in one transaction, and by as many queries whatever is in it."""

from collections import Counter
from dataclasses import dataclass

from django.db import transaction

from apps.annotations.models import Annotation, Revision
from apps.annotations.services.imports.history import steps_of, tag_images
from apps.annotations.services.imports.options import FILL, IGNORE, TAKE
from apps.annotations.services.imports.words import Kind
from apps.core import work
from apps.core.quotas import check_room
from apps.core.reports import CHANGED
from apps.core.work import WorkFailed
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage

State = DatasetImage.State
LABEL_FIELDS = ["is_labeled", "state", "num_boxes", "revision"]


@dataclass
class Labelled:
    """An image row, saved or about to be, with the labels that it gets and the steps that led to them."""

    image: DatasetImage
    labels: list
    steps: list


class Writer:
    """Writes batches and counts what went in: `images`, `boxes`, and `duplicates` that were left out."""

    def __init__(self, dataset, job, taker, options, report):
        self.dataset, self.job, self.taker, self.options, self.report = dataset, job, taker, options, report
        self.seen, self.broken = set(), {}
        self.images = self.boxes = self.duplicates = 0

    def write(self, batch):
        """Store the files of a batch of settled Arrivals, then its rows."""
        arrivals = [arrival for arrival in batch if self._is_first(arrival)]
        new = {arrival.sha256: self._labelled(arrival) for arrival in arrivals if arrival.new}
        num_bytes = sum(arrival.new.row.num_bytes for arrival in arrivals if arrival.new)
        check_room(self.dataset.owner_id, self.dataset.team_id, num_bytes)
        datasets.store_images([arrival.new for arrival in arrivals if arrival.new])
        with transaction.atomic():
            work.update_running(self.job)  # raises where it was cancelled: then not even this batch goes in
            self._check_classes()
            inserted, _ = datasets.insert_rows(self.dataset, [found.image for found in new.values()])
            fresh = {image.sha256 for image in inserted}
            to_label = [new[sha256] for sha256 in new if sha256 in fresh]
            met = [arrival for arrival in arrivals if arrival.sha256 not in fresh]
            to_label += self._meet(met) if met else []
            self._write_labels([found for found in to_label if found.steps])
            tag_images(self.dataset, [(a.new.row, a.labels) for a in arrivals if a.sha256 in fresh])
            self._count(inserted, to_label)

    def _check_classes(self):
        """Labels of a class that somebody deleted or merged meanwhile would be seen nowhere: rather stop and say so."""
        row = Dataset.objects.select_for_update().get(pk=self.dataset.pk)
        if set(self.taker.classes.keys) - {None, *row.class_keys}:
            raise WorkFailed(
                "A class was deleted or merged while the archive was read. Import it again: what is in stays, and the "
                "rest goes where the classes are now."
            )

    def _is_first(self, arrival):
        """Whether the picture can be used and comes for the first time; else the report says why not."""
        bad = arrival.bad or self.broken.get(arrival.sha256)
        if bad:
            self.broken[arrival.sha256] = bad
            self.report.add(arrival.labels.path, None, bad, Kind.BAD_IMAGE)
            return False
        digest = bytes.fromhex(arrival.sha256)
        if digest in self.seen:
            self._leave_out(arrival, Kind.TWICE, "the same picture is in the archive twice")
            return False
        self.seen.add(digest)
        return True

    def _leave_out(self, arrival, kind, reason):
        self.duplicates += 1
        self.report.add(arrival.labels.path, None, reason, kind)

    # --- images that are new ------------------------------------------------------------------------------------
    def _labelled(self, arrival):
        row, labels = arrival.new.row, arrival.labels
        extra = labels.extra or {}
        row.split = self._split_for(labels)
        row.group = extra.get("group", "")[:200]
        row.source = extra.get("source", "")[:200] or row.source
        return self._give_labels(row, labels)

    def _give_labels(self, image, labels):
        """Set on the (unsaved) row what its labels make of it."""
        taken = self.taker.take(labels, image) if labels.labelled else None
        steps = steps_of(self.taker.history(labels), taken, self.job.owner)
        if labels.labelled:
            state = (labels.extra or {}).get("state")
            image.state = state if state in (State.REVIEWED, State.NEEDS_WORK) else State.LABELED
            image.is_labeled, image.num_boxes = True, len(taken)
        image.revision = steps[-1].revision.number if steps else 0
        return Labelled(image, taken or [], steps)

    def _split_for(self, labels):
        if self.options.splits in (FILL, TAKE):
            return labels.split
        return "" if self.options.splits == IGNORE else self.options.splits

    # --- images that were there ---------------------------------------------------------------------------------
    def _meet(self, arrivals):
        """Pictures whose bytes are in the dataset: an unlabelled one gets the labels, a labelled one keeps its own.

        Returns those that get labels.
        """
        rows = DatasetImage.objects.filter(dataset=self.dataset, sha256__in=[arrival.sha256 for arrival in arrivals])
        rows = {row.sha256: row for row in rows.select_for_update()}
        mine = self._of_an_earlier_run(rows.values())
        to_label, splits = [], {}
        for arrival in arrivals:
            image = rows.get(arrival.sha256)
            if image is None:
                self._leave_out(arrival, Kind.ALREADY_HERE, "it was deleted here while the archive was read")
            elif image.pk in mine:
                self._count_again(image, arrival.labels)
            elif arrival.labels.labelled and image.revision == 0:
                to_label.append(self._give_labels(image, arrival.labels))
                self._note_split(arrival, image, splits)
            else:
                self._note_split(arrival, image, splits)
                reason = "the same picture is in the dataset already; its labels stay"
                self._leave_out(arrival, Kind.ALREADY_HERE, reason)
        if to_label:
            DatasetImage.objects.bulk_update([found.image for found in to_label], LABEL_FIELDS)
        self._set_splits(splits)
        return to_label

    def _of_an_earlier_run(self, images):
        """The ids of those that this job brought in or labelled before its worker was killed."""
        mine = {image.pk for image in images if image.import_job_id == self.job.pk}
        others = [image.pk for image in images if image.pk not in mine and image.revision]
        if self.job.attempts > 1 and others:
            made = Revision.objects.filter(
                image__in=others, kind=Revision.Kind.IMPORT, author=self.job.owner, created_at__gte=self.job.started_at
            )
            mine.update(made.values_list("image_id", flat=True))
        return mine

    def _count_again(self, image, labels):
        """Its rows are there; the report of what was left out of it was lost with the worker."""
        self.images += 1
        self.boxes += image.num_boxes
        if labels.labelled:
            self.taker.take(labels, image)

    def _note_split(self, arrival, image, splits):
        wanted = self._split_for(arrival.labels)
        if not wanted or wanted == image.split or (self.options.splits == FILL and image.split):
            return
        splits.setdefault(wanted, []).append(image)
        reason = f"its split was {image.split or 'none'} and is {wanted} now"
        self.report.add(arrival.labels.path, None, reason, Kind.SPLIT, CHANGED)

    def _set_splits(self, splits):
        moved = Counter()
        for split, images in splits.items():
            DatasetImage.objects.filter(pk__in=[image.pk for image in images]).update(split=split)
            moved[split] += len(images)
            moved.subtract(image.split for image in images)
        if moved:
            datasets.add_to_counts(self.dataset, splits=moved)

    # --- rows ---------------------------------------------------------------------------------------------------
    def _write_labels(self, found):
        rows = [Annotation(image=one.image, **label) for one in found for label in one.labels]
        rows = iter(Annotation.objects.bulk_create(rows))
        steps = []
        for one in found:
            mine = [next(rows) for _ in one.labels]
            for step in one.steps:
                step.hold(one.image, mine if step is one.steps[-1] and one.image.is_labeled else None)
            steps += one.steps
        revisions = Revision.objects.bulk_create([step.revision for step in steps])
        dated = [(revision, step.made_at) for revision, step in zip(revisions, steps, strict=True) if step.made_at]
        for revision, made_at in dated:  # the field takes the moment of the insert, whatever it is given
            revision.created_at = made_at
        if dated:
            Revision.objects.bulk_update([revision for revision, _ in dated], ["created_at"], batch_size=500)

    def _count(self, inserted, to_label):
        labeled = [found for found in to_label if found.image.is_labeled]
        boxes = sum(len(found.labels) for found in labeled)
        # With the rows, so that the counts hold at every moment and after a kill.
        splits = Counter(image.split for image in inserted)
        datasets.add_to_counts(self.dataset, images=len(inserted), labeled=len(labeled), boxes=boxes, splits=splits)
        self.images += len(to_label)
        self.boxes += boxes
