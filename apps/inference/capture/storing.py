"""The second step of a capture, in a worker: what waits becomes images of the dataset, with suggestions.

Safe to run twice at once and to be killed: a picture waits until the transaction that inserts its image, its
suggestions and its expiry also deletes its waiting row; files of images are noted before they are stored.
"""

import logging
from collections import Counter
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.annotations.services.suggestions import replace_suggestions
from apps.core.access import Right, may
from apps.core.images import BadImage
from apps.core.processes import stopping
from apps.core.quotas import NoRoomLeft, check_room
from apps.datasets import services as datasets
from apps.datasets.services.files import forget_files
from apps.datasets.services.new_images import clean_filename
from apps.inference.capture.inbox import filled
from apps.inference.capture.waiting import count, known_bytes
from apps.inference.models import Capture, Captured, CaptureWaiting
from apps.inference.prelabel import keys_by_name

log = logging.getLogger(__name__)
AT_ONCE = 20
NO_RIGHTS = "{} may not change the dataset and the deployment any more. Choose a dataset and turn it on again."


def store_waiting(capture_id):
    """Bring in what waits for this capture; returns how many images came in."""
    stored = 0
    while not stopping.is_set():
        capture = Capture.objects.select_related("deployment", "dataset", "user").filter(pk=capture_id).first()
        waiting = CaptureWaiting.objects.filter(capture=capture_id).select_related("model__line")
        rows = list(waiting.defer("model__metrics", "model__card")[:AT_ONCE])
        if capture is None or not rows:
            break
        if not may_store(capture):
            turn_off(capture, NO_RIGHTS.format(capture.user))
            drop(capture.waiting.all())
            break
        try:
            check_room(capture.dataset.owner_id, capture.dataset.team_id, sum(row.num_bytes for row in rows))
        except NoRoomLeft as full:
            turn_off(capture, str(full)[:300])
            drop(capture.waiting.all())
            break
        stored += _store(capture, rows)
    return stored


def sweep_waiting():
    """Bring in what no worker was called for, and delete what waits for captures that are gone."""
    drop(CaptureWaiting.objects.filter(capture=None))
    for pk in CaptureWaiting.objects.order_by().values_list("capture", flat=True).distinct():
        store_waiting(pk)


def may_store(capture):
    """Whether the person by whose rights it stores still has them, on both sides."""
    return all(may(capture.user, Right.EDIT, row) for row in (capture.dataset, capture.deployment))


def turn_off(capture, why=""):
    Capture.objects.filter(pk=capture.pk).update(is_on=False, stopped=why, updated_at=timezone.now())


@transaction.atomic
def drop(rows):
    """Forget pictures that wait, with their files; those that another worker takes this moment are left to it."""
    gone = list(rows.select_for_update(skip_locked=True))
    CaptureWaiting.objects.filter(pk__in=[row.pk for row in gone]).delete()
    forget_files([row.file.name for row in gone])


def _store(capture, rows):
    """Bring in some of what waits; returns how many are new images."""
    checked = {row.pk: new for row in rows if (new := _check(capture, row))}
    datasets.store_images(checked.values())
    with transaction.atomic():
        capture = Capture.objects.select_for_update(of=("self",)).select_related("deployment", "dataset").get(
            pk=capture.pk
        )  # fmt: skip
        waiting = set(capture.waiting.filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
        mine = [row for row in rows if row.pk in waiting]  # a twin of this task may have been first
        CaptureWaiting.objects.filter(pk__in=waiting).delete()
        forget_files([row.file.name for row in mine])
        readable = {row.pk: row for row in mine if row.pk in checked}
        fitting, counted = _choose(capture, readable)
        inserted = _insert(capture, {pk: (readable[pk], checked[pk].row) for pk in fitting})
        count(capture, known=counted["known"] + len(fitting) - inserted, over=counted["over"])
    return inserted


def _check(capture, row):
    """The NewImage of a picture that waits, or None where it cannot be read: what answers may take more than we do."""
    try:
        with default_storage.open(row.file.name) as file:
            data = file.read()
        new = datasets.check_new_image(capture.dataset, "captured", data, source=capture.source)
    except (BadImage, FileNotFoundError) as bad:
        log.warning("picture %s of capture %s is not kept: %s", row.pk, capture.pk, bad)
        return None
    moment = f"{row.created_at:%Y-%m-%d %H.%M.%S}"
    name = f"{capture.deployment.name} {moment} {row.sha256[:6]}.{new.row.extension}"
    new.row.filename = clean_filename(name)
    return new


def _choose(capture, rows):
    """(those of these rows that are to come in, how many are known already or over the cap)."""
    known = known_bytes(capture.dataset_id, [row.sha256 for row in rows.values()])
    images, size = filled(capture)  # the rows themselves wait no more
    chosen, counted = [], Counter()
    for pk, row in rows.items():
        if row.sha256 in known:
            counted["known"] += 1
        elif images + 1 > capture.max_images or size + row.num_bytes > capture.max_bytes:
            counted["over"] += 1
        else:
            chosen.append(pk)
            images, size = images + 1, size + row.num_bytes
    return chosen, counted


def _insert(capture, pairs):
    """Insert (waiting row, image row) pairs with suggestions and expiry; returns how many are new."""
    if not pairs:
        return 0
    by_hash = {row.sha256: row for row, _ in pairs.values()}
    inserted, _ = datasets.insert_rows(capture.dataset, [image for _, image in pairs.values()])
    keys, now = keys_by_name(capture.dataset), timezone.now()
    for image in inserted:
        row = by_hash[image.sha256]
        outlines = capture.dataset.task == capture.dataset.Task.SEGMENT
        found = suggested(row, keys, outlines)
        replace_suggestions(image, row.model.name if row.model else capture.deployment.name, found)
    Captured.objects.bulk_create(
        Captured(
            capture=capture, image=image, model=by_hash[image.sha256].model, reason=by_hash[image.sha256].reason,
            created_at=now, expires_at=now + timedelta(days=capture.keep_days),
        )
        for image in inserted
    )  # fmt: skip
    datasets.refresh_counts(capture.dataset)
    return len(inserted)


def suggested(row, keys, outlines):
    """The answer that a picture waits with, as suggestions in the dataset's classes; others are left out.

    `outlines`: with those of a model that segments. What waits since an older release has none.
    """
    return [
        {"class_key": keys[name.casefold()], "confidence": confidence, "x_center": x, "y_center": y, "width": width,
         "height": height, "points": more[0] if more and outlines else None}
        for name, confidence, x, y, width, height, *more in row.answer
        if name.casefold() in keys
    ]  # fmt: skip
