"""A job's log: as rows of equal length, so that writing and reading cost the same however long it has become."""

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Concat, Length

from apps.training.models import TrainingJob, TrainingLogPiece

PIECE = 16_000  # characters of a row; those of a written log must not change
LIMIT = 100_000_000  # characters of a log: more than any training says, but for one that repeats an error for days
FULL = "\n— The log is longer than the platform keeps: what came after this line is gone.\n"
AT_ONCE = 20  # rows that are read at once where the whole log is wanted


def append_log(job, text):
    """Add text at the end; several processes may do so at once."""
    with transaction.atomic():
        held = TrainingJob.objects.select_for_update().filter(pk=job.pk).values_list("pk", flat=True).first()
        length = log_length(job)
        if held is None or not text or length >= LIMIT:
            return
        if length + len(text) >= LIMIT:
            text = text[: LIMIT - length] + FULL
        number, filled = divmod(length, PIECE)
        if filled:
            first, text = text[: PIECE - filled], text[PIECE - filled :]
            job.log_pieces.filter(number=number).update(text=Concat("text", Value(first)))
            number += 1
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        job.log_pieces.bulk_create(
            [TrainingLogPiece(job_id=job.pk, number=number + n, text=piece) for n, piece in enumerate(pieces)],
            batch_size=AT_ONCE,
        )


def log_length(job):
    """How many characters the log has."""
    last = job.log_pieces.order_by("-number").values_list("number", Length("text")).first()
    return last[0] * PIECE + last[1] if last else 0


def read_log(job, offset, limit):
    """The log from character `offset` on, at most `limit` characters."""
    pieces = job.log_pieces.filter(number__gte=offset // PIECE, number__lte=(offset + limit) // PIECE)
    text = "".join(pieces.values_list("text", flat=True))
    return text[offset % PIECE :][:limit]


def newest_lines(job, limit):
    """(offset, text): the last whole lines of the log, at most `limit` characters."""
    length = log_length(job)
    offset = max(length - limit, 0)
    text = read_log(job, offset, limit)
    if offset:
        cut = text.find("\n") + 1
        offset, text = offset + cut, text[cut:]
    return offset, text


def whole_log(job):
    """The whole log, piece by piece, with short queries: a reader may be slow."""
    number = 0
    while pieces := list(job.log_pieces.filter(number__gte=number)[:AT_ONCE]):
        for piece in pieces:
            yield piece.text
        number = pieces[-1].number + 1
