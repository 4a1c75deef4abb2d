"""The first step of a capture, beside the answering: choose, store the bytes, note them, call a worker.

Files are noted for deletion before they are stored, as new images are (`datasets.services.files`): the note is taken
back in the transaction that inserts their rows. So a kill at any moment leaves no file for long, and loses at most the
pictures of the questions that this process was looking at.
"""

import hashlib
import logging
import uuid

from celery import current_app
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from kombu.exceptions import OperationalError

from apps.datasets.services.files import expect_files, keep_files
from apps.inference.capture.choosing import as_rows, is_wanted
from apps.inference.capture.inbox import filled, known_bytes
from apps.inference.models import Capture, CaptureWaiting
from apps.models.models import TrainedModel

log = logging.getLogger(__name__)
TASK = "apps.inference.tasks.store_captures"
FOLDER = "captures"


def capture_questions(questions):
    """Take a list of `after.Asked`, and keep what the deployments' captures want of them: a listener."""
    answered = [one for one in questions if one.deployment_id and one.prediction is not None and one.status == 200]
    if not answered:
        return
    for capture in captures_of({one.deployment_id for one in answered}):
        mine = [one for one in answered if one.deployment_id == capture.deployment_id]
        keep(capture, [one for one in mine if is_wanted(capture, one.prediction)])


def captures_of(deployment_ids):
    """The captures that are on, of these deployments."""
    return Capture.objects.filter(deployment__in=deployment_ids, is_on=True)


def keep(capture, questions, reason=""):
    """Store the pictures of these questions for the worker; what the dataset has, or has no room for, is only counted.

    Returns the hashes of those that are, or come, into the dataset.
    """
    by_hash = {hashlib.sha256(one.data).hexdigest(): one for one in questions}
    if not by_hash:
        return set()
    known = known_or_waiting(capture, by_hash)
    images, size = filled(capture)
    chosen, over = {}, 0
    for sha256, asked in by_hash.items():
        if sha256 in known:
            continue
        images, size = images + 1, size + len(asked.data)
        if images > capture.max_images or size > capture.max_bytes:
            images, size, over = images - 1, size - len(asked.data), over + 1
        else:
            chosen[sha256] = asked
    count(capture, known=len(questions) - len(chosen) - over, over=over)
    if chosen:
        _store(capture, chosen, reason or capture.mode)
    return known | set(chosen)


def known_or_waiting(capture, hashes):
    """Those of these hashes whose pictures are in the capture's dataset, in its trash, or on their way there."""
    coming = capture.waiting.filter(sha256__in=hashes).values_list("sha256", flat=True)
    return known_bytes(capture.dataset_id, hashes) | set(coming)


def count(capture, known=0, over=0):
    """Count pictures that were not kept."""
    if known or over:
        Capture.objects.filter(pk=capture.pk).update(num_known=F("num_known") + known, num_over=F("num_over") + over)


def _store(capture, chosen, reason):
    names = {sha256: f"{FOLDER}/{uuid.uuid4().hex}" for sha256 in chosen}
    expect_files(names.values())
    for sha256, asked in chosen.items():
        default_storage.save(names[sha256], ContentFile(asked.data))
    class_names = class_names_of({asked.model_id for asked in chosen.values()})
    with transaction.atomic():
        keep_files(names.values())
        CaptureWaiting.objects.bulk_create(
            CaptureWaiting(
                capture=capture, model_id=asked.model_id, file=names[sha256], sha256=sha256, reason=reason,
                num_bytes=len(asked.data), answer=as_rows(asked.prediction, class_names.get(asked.model_id, [])),
            )
            for sha256, asked in chosen.items()
        )  # fmt: skip
    call_worker(capture.pk)


def class_names_of(model_ids):
    """`{model id: class names}`"""
    return dict(TrainedModel.objects.filter(pk__in=model_ids).values_list("pk", "class_names"))


def call_worker(capture_id):
    """Have a worker store what waits; where the queue is away, the sweep does it later."""
    try:
        current_app.send_task(TASK, [capture_id])
    except (OperationalError, OSError) as error:
        log.warning("what capture %s kept waits, the queue is away: %s", capture_id, error)
