"""The shadow's thread: after an answer it answers the same picture with the candidate, and counts how the two differ.

Never in anybody's way: a question that finds its short line full, or the machine busy with real ones, is skipped and
counted as such. A process that is killed loses what it had not counted yet: a few pictures.
"""

import hashlib
import logging
import random
from dataclasses import dataclass

from apps.inference import services
from apps.inference.aside import Aside
from apps.inference.capture.choosing import Mode
from apps.inference.capture.waiting import captures_of, keep, known_or_waiting
from apps.inference.class_places import translated
from apps.inference.models import Deployment
from apps.inference.monitoring.counts import add
from apps.inference.runtime import Overloaded
from apps.inference.shadow.compare import compare, counts_of
from apps.inference.shadow.counting import Key, keep_sample, store_counts

log = logging.getLogger(__name__)
MOST_WAITING = 16


@dataclass(frozen=True, slots=True)
class Doubled:
    """A question that a shadow is to answer too."""

    asked: object  # after.Asked
    live: object  # TrainedModel: it answered
    shadow: object

    @property
    def key(self):
        return Key(self.asked.deployment_id, self.live.pk, self.shadow.pk)


def double_questions(questions):
    """Take a list of `after.Asked`, and hand a share of them to the shadow's thread: a listener."""
    chosen = choose(questions)
    skipped = {}
    for one in chosen:
        if not _aside.put(one):
            add(skipped, {one.key: {"skipped": 1}})
    if chosen:
        _aside.start()
    store_counts(skipped)


def choose(questions, chance=random.random):
    """The questions, as Doubled, that a shadow is to answer."""
    answered = [one for one in questions if one.deployment_id and one.prediction is not None and one.status == 200]
    if not answered:
        return []
    rows = Deployment.objects.filter(pk__in={one.deployment_id for one in answered}, shadow__isnull=False)
    rows = rows.exclude(shadow__serving_file="").select_related("model__line", "shadow__line")
    rows = rows.defer("model__metrics", "model__card", "shadow__metrics", "shadow__card")
    with_shadow = {row.pk: row for row in rows}
    chosen = []
    for one in answered:
        row = with_shadow.get(one.deployment_id)
        # A switch may have come in between: what answered is compared only as what is live.
        if row and one.model_id == row.model_id and one.model_id != row.shadow_id and chance() < row.shadow_share:
            chosen.append(Doubled(one, row.model, row.shadow))
    return chosen


def answer_doubled(some):
    """Have the shadows answer these, and store how they differ from the live answers."""
    found = {}
    for one in some:
        add(found, {one.key: _answer(one)})
    store_counts(found)


def settle():
    """Return when all that was handed over so far is counted; for tests."""
    _aside.settle()


def _answer(one):
    """What a question adds to the counts."""
    options = translated(one.asked.options, one.live.class_names, one.shadow.class_names)
    try:
        prediction = services.predict_if_idle(one.shadow, one.asked.data, **options)
    except Overloaded:
        return {"skipped": 1}
    except Exception:
        log.exception("shadow model %s could not answer", one.shadow.pk)
        return {"failed": 1}
    live = one.asked.prediction
    difference = compare(live, one.live.class_names, prediction, one.shadow.class_names)
    if difference.only_one:
        _tell_capture(one, difference)
    counts = counts_of(difference, sum(live.speed.values()), sum(prediction.speed.values()))
    return {"answered": 1, "counts": counts}


def _tell_capture(one, difference):
    """Keep the picture where that is asked for, and both answers where the picture is kept."""
    sha256 = hashlib.sha256(one.asked.data).hexdigest()
    for capture in captures_of([one.asked.deployment_id]):
        if capture.mode == Mode.DISAGREEMENTS:
            there = keep(capture, [one.asked])
        else:
            there = known_or_waiting(capture, [sha256])
        if sha256 in there:
            keep_sample(one.key, sha256, one.asked.prediction, difference)


_aside = Aside("shadow", MOST_WAITING, answer_doubled)
