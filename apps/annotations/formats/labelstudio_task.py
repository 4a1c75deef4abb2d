"""One task of Label Studio: which of its annotations counts, and which image it is about."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .base import Code
from .layout import IMAGE_EXTENSIONS, ImageIndex, plain_path
from .text import shown

_LISTS = ("annotations", "completions", "predictions")  # completions: before Label Studio 1.0
_MIN_KEYS = {"annotation_id", "lead_time"}  # of JSON-MIN
_UPLOAD_HASH = re.compile(r"(^|/)[0-9a-f]{8}-(?=[^/]+$)")
_EXTENSIONS = tuple(IMAGE_EXTENSIONS)
_MAX_REFERENCE = 4000  # characters; longer ones are whole images in base64

Tell = Callable[[str, Code], None]


@dataclass(frozen=True, slots=True)
class Annotation:
    """One person's or model's result for a task."""

    result: list[Any]
    who: str
    time: str
    is_truth: bool = False
    is_prediction: bool = False
    score: Any = None


@dataclass(frozen=True, slots=True)
class Task:
    """`image` is the reference as written, "" where there is none."""

    data: dict[str, Any]
    annotations: list[Annotation]
    predictions: list[Annotation]
    cancelled: int = 0

    @property
    def image(self) -> str:
        return _image_reference(self.data)

    def chosen(self, tell: Tell) -> Annotation | None:
        """The annotation that counts, and a note where there was a choice."""
        if self.annotations:
            best = max(self.annotations, key=lambda annotation: (annotation.is_truth, annotation.time))
            if len(self.annotations) > 1:
                which = "the ground truth" if best.is_truth else "the newest"
                tell(f"{len(self.annotations)} annotations: {which}, by {best.who}, is taken", Code.NOTE)
            return best
        if self.predictions:
            best = max(self.predictions, key=lambda prediction: prediction.time)
            tell(f"nobody annotated it: the prediction by {best.who} is taken, as boxes by a model", Code.NOTE)
            return best
        if self.cancelled:
            tell("it was skipped by who annotated it, and stays unlabelled", Code.NOTE)
        return None


def read_task(value: Any) -> Task | None:
    """The task in an element of the list, None where it is none."""
    if not isinstance(value, dict):
        return None
    data = value.get("data")
    if isinstance(data, dict) and any(isinstance(value.get(key), list) for key in _LISTS):
        made = [row for key in _LISTS[:2] for row in _rows(value.get(key))]
        kept = [row for row in made if not row.get("was_cancelled")]
        predicted = [_annotation(row, is_prediction=True) for row in _rows(value.get("predictions"))]
        return Task(data, [_annotation(row) for row in kept], predicted, len(made) - len(kept))
    if value.keys() >= _MIN_KEYS:
        return _minimal_task(value)
    return None


def _rows(values: Any) -> list[dict[str, Any]]:
    values = values if isinstance(values, list) else []
    return [row for row in values if isinstance(row, dict) and isinstance(row.get("result"), list)]


def _annotation(row: dict[str, Any], *, is_prediction: bool = False) -> Annotation:
    who = row.get("model_version") if is_prediction else row.get("completed_by")
    if isinstance(who, dict):
        who = who.get("email") or who.get("id")
    named = "an unknown model" if is_prediction else "an unknown person"
    if who not in (None, ""):
        named = shown(who) if isinstance(who, str) else f"user {shown(who)}"
    return Annotation(
        row["result"],
        named,
        str(row.get("updated_at") or row.get("created_at") or ""),
        row.get("ground_truth") is True,
        is_prediction,
        row.get("score"),
    )


def _minimal_task(value: dict[str, Any]) -> Task:
    """JSON-MIN has the regions' values alone, in lists by the name of the control."""
    result = []
    for values in value.values():
        for region in values if isinstance(values, list) else []:
            if isinstance(region, dict):
                kind = next((key for key in region if key.endswith("labels")), "")
                sizes = {key: region.get(key) for key in ("original_width", "original_height")}
                result.append({"type": kind, "value": region, **sizes})
    row = {**value, "result": result, "completed_by": value.get("annotator")}
    return Task(value, [_annotation(row)], [])


def _image_reference(data: dict[str, Any]) -> str:
    texts = [text for text in data.values() if isinstance(text, str) and text.strip()]
    if isinstance(data.get("image"), str) and data["image"].strip():
        return data["image"].strip()
    named = (text for text in texts if any(path.lower().endswith(_EXTENSIONS) for path in paths_in(text)))
    return next(named, "").strip()


def find_image(reference: str, index: ImageIndex, near: str, split: str) -> tuple[list[str], str]:
    """The images that the reference can mean, and the path that it was reduced to. Uploads have a hash of
    eight digits before the name; the archive's images may have it or not."""
    paths = paths_in(reference)
    for path in [*paths, *(_UPLOAD_HASH.sub(r"\1", path) for path in paths)]:
        if found := index.find(path, near=near, split=split):
            return found, path
    return [], paths[0] if paths else ""


def paths_in(reference: str, depth: int = 0) -> list[str]:
    """The paths that a reference may stand for: `/data/upload/1/x.jpg`, `/data/local-files/?d=x.jpg`,
    `s3://bucket/x.jpg`, `https://host/x.jpg?token=…`, `/tasks/1/resolve/?fileuri=<base64>`, `C:\\x.jpg`."""
    if len(reference) > _MAX_REFERENCE or reference.startswith("data:") or depth > 2:
        return []
    try:
        parts = urlsplit(reference)
        query = parse_qs(parts.query, max_num_fields=100)
    except ValueError:  # no URL, or one with a broken host
        return [plain_path(reference)]
    if "d" in query:
        return [plain_path(query["d"][0])]
    if "fileuri" in query:
        return paths_in(_from_base64(query["fileuri"][0]), depth + 1)
    if len(parts.scheme) > 1:
        return [plain_path(unquote(parts.path))]
    return list(dict.fromkeys([plain_path(reference), plain_path(unquote(parts.path))]))


def _from_base64(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
