"""What happens after an answer, without whoever asked waiting for it.

Each web process has one thread for it. A question that finds the line full is forgotten, and the number of forgotten
ones is said in the log: counting must never slow what it counts.
"""

import logging
from dataclasses import dataclass

from apps.inference.aside import Aside
from apps.inference.runtime.answers import Prediction

log = logging.getLogger(__name__)
MOST_WAITING = 256
GATHERED = 0.05  # seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was answered, or refused: `status` is the HTTP one, `prediction` is None of a refused one."""

    deployment_id: int | None
    model_id: int
    user_id: int
    token_id: int | None
    status: int
    seconds: float  # decoding, waiting and answering; without HTTP
    data: bytes  # the picture as it came
    options: dict
    prediction: Prediction | None


LISTENERS = []  # functions that take a list of Asked; they may write to the database


def tell(asked):
    """Put a question in the line of what is looked at afterwards."""
    if not LISTENERS:
        return
    _aside.start()
    if not _aside.put(asked):
        log.warning("A question to model %s was not counted: too many wait for it.", asked.model_id)


def settle():
    """Return when all that was told so far has been looked at; for tests and for a process that ends."""
    _aside.settle()


def _listen(some):
    for listener in LISTENERS:
        try:
            listener(some)
        except Exception:
            log.exception("%s failed on %d questions", listener.__name__, len(some))


_aside = Aside("after-answers", MOST_WAITING, _listen, pause=GATHERED)
