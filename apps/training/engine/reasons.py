"""Why a run failed, in words that a person understands and that say what to do."""

import errno
import re
import signal
import traceback
from collections.abc import Callable
from typing import NamedTuple


class Reason(NamedTuple):
    """A code for programs and a message for people."""

    code: str
    message: str


class JobError(Exception):
    """A run that cannot work, known before or while it runs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


OUT_OF_MEMORY = Reason(
    "out_of_memory",
    "The training ran out of memory. Use a smaller batch, a smaller image size or a smaller model.",
)
_DISK_FULL = Reason(
    "disk_full",
    "The disk is full, so the training could not save its work. Free some space and start it again: it "
    "goes on from its last checkpoint.",
)
_SHARED_MEMORY = Reason(
    "out_of_memory",
    "The machine has too little shared memory for the data loaders. Set workers to 0, or give the container "
    "more (docker run --shm-size=2g).",
)
_NAN_LOSS = Reason(
    "nan_loss",
    "The loss became infinite or not a number, so the network stopped learning. Use a lower learning rate, "
    "and check the labels for odd boxes.",
)
_NO_DEVICE = Reason(
    "no_device",
    "The chosen device is not there or its driver does not work. Choose the CPU or another device.",
)
_BAD_WEIGHTS = Reason(
    "no_weights",
    "The weights to start from cannot be read: the file is damaged or not one of Ultralytics. Choose others.",
)
TOO_SHORT = Reason(
    "time_limit",
    "The time limit was over before the first epoch was done, so there is no model. Give it more time, or use a "
    "smaller image size, a smaller model or fewer images.",
)
KILLED_FOR_MEMORY = Reason(
    "out_of_memory",
    "The machine ran out of memory, and the system killed the training process. Use a smaller batch, image size or "
    "model, no cache in memory, or run less beside it. It can go on from its last checkpoint.",
)
INTERRUPTED = Reason(
    "interrupted", "The training was stopped before it was done. It can go on from its last checkpoint."
)

_KILLED = Reason(
    "killed",
    "The training process was killed from outside. If nobody did that, the machine may have run out of memory: use a "
    "smaller batch, image size or model. It can go on from its last checkpoint.",
)
STILL_RUNNING = Reason(
    "still_running", "An earlier process of this training has not ended yet, and two at once would spoil its files."
)

# Messages of torch and ultralytics that stand for a reason; the first that is found counts.
_PATTERNS: tuple[tuple[str, Reason], ...] = (
    (r"shared memory|/dev/shm|bus error", _SHARED_MEMORY),
    (
        r"out of memory|can't allocate memory|not enough memory|cannot allocate memory|ALLOC_FAILED",
        OUT_OF_MEMORY,
    ),
    (r"no space left|disk quota|database or disk is full|PytorchStreamWriter failed|inline_container", _DISK_FULL),
    (r"PytorchStreamReader|supported Ultralytics checkpoint|unpickling|ran out of input", _BAD_WEIGHTS),
    (r"\bnan\b.*(persisted|recover|detected)|NaN/Inf", _NAN_LOSS),
    (
        r"invalid cuda 'device|no cuda gpus|cuda driver|no kernel image|torch not compiled with cuda",
        _NO_DEVICE,
    ),
)
_DATA = r"^dataset '|no (images|labels|valid images) found|error loading data|image not found|image/label"
_ARGUMENTS = (
    r"valid yolo argument|'\w+=.*'( is)?( of| an)? invalid|final batch=|froze the entire"
    r"|optimizer '.*' not found|\.yaml' does not exist"
)


def explain(error: BaseException) -> dict[str, str]:
    """Return the fields of a `failed` event for an error: code, message and traceback."""
    reason = find_reason(error)
    details = "".join(traceback.format_exception(error))
    return {"code": reason.code, "message": reason.message, "traceback": details}


def find_reason(error: BaseException) -> Reason:
    """Return the reason that stands behind an error, looking through what it was raised from."""
    if isinstance(error, JobError):
        return Reason(error.code, str(error))
    chain = list(_causes(error))
    checks: tuple[Callable[[BaseException], Reason | None], ...] = (_by_type, _by_message, _by_place)
    found = (check(cause) for check in checks for cause in chain)
    return next((reason for reason in found if reason), _unknown(error))


def explain_exit(returncode: int, out_of_memory: bool = False) -> Reason:
    """Return why a process ended without a word, from its return code (negative: the signal).

    `out_of_memory`: whether the system killed something for want of memory just then.
    """
    if returncode == -signal.SIGKILL:
        return KILLED_FOR_MEMORY if out_of_memory else _KILLED
    if returncode < 0:
        name = signal.Signals(-returncode).name
        return Reason("crashed", f"The training process crashed ({name}). The log may say more.")
    return Reason("unknown", f"The training process ended without a result (code {returncode}). The log may say more.")


def _causes(error: BaseException | None):
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _by_type(error: BaseException) -> Reason | None:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _DISK_FULL
    return INTERRUPTED if isinstance(error, KeyboardInterrupt) else None


def _by_message(error: BaseException) -> Reason | None:
    text = str(error)
    return next((reason for pattern, reason in _PATTERNS if re.search(pattern, text, re.IGNORECASE)), None)


def _by_place(error: BaseException) -> Reason | None:
    """Tell faults of the data from faults of the settings; their own text describes them best."""
    text = _readable(str(error))
    if re.search(_DATA, text, re.IGNORECASE):
        return Reason("bad_data", f"The dataset cannot be trained on. {text}")
    if re.search(_ARGUMENTS, text, re.IGNORECASE):
        return Reason("bad_arguments", f"A setting is not accepted. {text}")
    return None


def _unknown(error: BaseException) -> Reason:
    text = _readable(str(error)) or type(error).__name__
    return Reason("unknown", f"The training failed: {text[:500]}")


def _readable(text: str) -> str:
    """Return one line without terminal colours, emoji and links to manuals."""
    text = re.sub(r"\x1b\[[0-9;]*m|[^\x00-\u2fff\u3040-\ud7ff]|❌|️|See https?://\S+.*", "", text)
    return " ".join(text.split())
