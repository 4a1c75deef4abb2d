"""Pretrained weights: kept in WEIGHTS_DIR, put there by hand or downloaded once."""

import contextlib
import os
import tempfile
import urllib.request
import zipfile
from pathlib import Path

from django.conf import settings

ASSETS = "https://github.com/ultralytics/assets/releases/download/v8.4.0/{name}.pt"
TIMEOUT = 5  # seconds without an answer


class NoWeights(Exception):
    """There are no pretrained weights; the message says where to put the file."""


def weights_path(model_type) -> Path:
    """Where the pretrained weights of an architecture are kept."""
    return settings.WEIGHTS_DIR / f"{model_type}.pt"


def at_hand(model_type):
    """Whether the pretrained weights are on this machine."""
    return weights_path(model_type).is_file()


def pretrained_weights(model_type) -> Path:
    """The path of the weights, downloaded where they are missing and that is allowed; raises NoWeights."""
    path = weights_path(model_type)
    if not path.is_file() and not settings.WEIGHTS_DOWNLOAD:
        raise NoWeights(f"{path.name} is not in {path.parent}, and downloading is switched off (WEIGHTS_DOWNLOAD).")
    return fetch_weights(model_type)


def fetch_weights(model_type) -> Path:
    """The path of the weights, downloaded where they are missing; raises NoWeights, in one line."""
    path = weights_path(model_type)
    if path.is_file():
        return path
    url = ASSETS.format(name=model_type)
    try:
        _download(url, path)
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise NoWeights(
            f"{path.name} could not be downloaded ({reason}). Download {url} elsewhere and put it into {path.parent}."
        ) from None
    return path


def start_in_words(weights, model_type, models):
    """What a training would start from, for a person who chooses; `models` are that person's by id."""
    if weights == "scratch":
        return "Starts from nothing. Fine for small images and simple shapes; real photos want pretrained weights."
    if weights in models:
        return f"Goes on from “{models[weights].title}”; its architecture, {model_type}, is taken over."
    if at_hand(model_type):
        return f"Starts from the pretrained {model_type}.pt that is on this machine."
    missing = f"{model_type}.pt is not on this machine. "
    if not settings.WEIGHTS_DOWNLOAD:
        ends = "the training fails" if weights == "pretrained" else "it starts from nothing, and says so"
        return f"{missing}Downloading is switched off: unless it is put into {settings.WEIGHTS_DIR}, {ends}."
    if weights == "auto":
        return f"{missing}The trainer tries to download it; without internet it starts from nothing, and says so."
    return f"{missing}The trainer downloads it; without internet the job fails and says where to put the file."


def _download(url, path):
    """Fetch `url` to `path`, whole or not at all; raises OSError, also for what is not a checkpoint."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    try:
        with os.fdopen(handle, "wb") as out, urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310
            while chunk := answer.read(1 << 20):
                out.write(chunk)
        if not zipfile.is_zipfile(draft):
            raise OSError("what came is not a checkpoint")
        os.replace(draft, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(draft)
