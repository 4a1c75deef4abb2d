"""What every label format shares: the shapes of data, the ways to fail, and what a format offers.

A format turns the files of a `Source` into a `Reading`, and `ImageLabels` back into files. It knows no
database and no image bytes: images stay where they are and are named by their path.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, Protocol

SPLITS = ("train", "val", "test")
SOURCES = ("", "manual", "imported", "model")  # who made a box
UNASSIGNED = "unassigned"  # the folder of images in no split; SPLITS' names for the others


class FormatError(Exception):
    """The labels as a whole cannot be used. `str()` is a sentence for the person who brought them."""

    def __init__(self, file: str, line: int | None, reason: str):
        where = f"{file}, line {line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{where}{reason}")
        self.file, self.line, self.reason = file, line, reason


class UnknownFormatError(FormatError):
    """No format recognises the source; the reason says what was looked for."""


class Source(Protocol):
    """Files by name, wherever they lie: a zip, a tar, a folder.

    A damaged single file raises an OSError on `open` or `read`: it is reported and left out. Any other
    exception (a zip bomb, say) is the source's own and passes through to the caller.
    """

    def names(self) -> Sequence[str]:
        """Every regular file as a relative path with forward slashes."""

    def open(self, name: str) -> BinaryIO:
        """The file's bytes as a stream, to be closed by the caller."""


@dataclass(slots=True, unsafe_hash=True)  # nobody changes one; frozen, it would take three times as long to make
class Box:
    """One object. Centre and size are fractions (0..1) of the image; `points` is one polygon, flat and
    likewise normalised (x1, y1, x2, y2, …); `class_index` points into the reading's `class_names`; `source`
    is one of SOURCES, "" where the format does not say who made the box."""

    class_index: int
    x_center: float
    y_center: float
    width: float
    height: float
    points: tuple[float, ...] | None = None
    confidence: float | None = None
    source: str = ""


@dataclass(slots=True)
class ImageLabels:
    """One image and what is known about it.

    `path` opens it in the source it was read from; `width` and `height` are the pixels the label file
    speaks of (None: it says nothing); `split` is "", train, val or test; `labelled` with no boxes means
    somebody looked and there is nothing. `key` is the caller's own handle when writing, never looked at.

    `extra` is what only the platform's own format (ndjson) carries, in and out, each part if it is known:
    `group`, `state`, `source` (texts), `tags` (texts), and `revisions`, oldest first: {"number", "author"
    (a name), "time" (ISO 8601), "kind", "annotations": [{"class_index", "x_center", "y_center", "width",
    "height", "points" ([[x, y], …] or None), "confidence", "source"}]}.
    """

    filename: str
    boxes: Sequence[Box] = ()
    labelled: bool = True
    split: str = ""
    width: int | None = None
    height: int | None = None
    path: str = ""
    key: Any = None
    extra: dict[str, Any] | None = None


class Code(StrEnum):
    """What a problem is about, for counting and grouping."""

    NO_AREA = "no_area"
    CLIPPED = "clipped"
    OUTSIDE = "outside"
    SWAPPED = "swapped"
    UNKNOWN_CLASS = "unknown_class"
    BAD_VALUE = "bad_value"
    DUPLICATE = "duplicate"
    CROWD = "crowd"
    SIMPLIFIED = "simplified"
    UNSUPPORTED = "unsupported"  # neither a box nor a polygon
    IMAGE_MISSING = "image_missing"
    IMAGE_AMBIGUOUS = "image_ambiguous"
    LABEL_WITHOUT_IMAGE = "label_without_image"
    UNREADABLE = "unreadable"
    NOTE = "note"


_EFFECTS = {Code.CLIPPED: "changed", Code.SWAPPED: "changed", Code.SIMPLIFIED: "changed", Code.NOTE: "note"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that did not go in as it was, with the file and line (from 1, None: no line) to look at."""

    file: str
    line: int | None
    reason: str
    code: Code

    @property
    def effect(self) -> str:
        """ "left out", "changed" or "note"."""
        return _EFFECTS.get(self.code, "left out")

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.reason}" if self.line else f"{self.file}: {self.reason}"


@dataclass
class Problems:
    """The problems in the order they were met. More than `limit` at a time are counted and not kept, so that
    a hostile archive cannot fill the memory with complaints; `counts` is always complete. Who drains them
    while the images are iterated gets them all, in bounded memory."""

    limit: int = 100_000
    items: list[Problem] = field(default_factory=list)
    counts: Counter[Code] = field(default_factory=Counter)

    def add(self, file: str, line: int | None, reason: str, code: Code) -> None:
        self.counts[code] += 1
        if len(self.items) < self.limit:
            self.items.append(Problem(file, line, reason, code))

    def add_error(self, error: FormatError, code: Code = Code.UNREADABLE) -> None:
        """Note a file that failed as a whole, where the rest can go on."""
        self.add(error.file, error.line, error.reason, code)

    def drain(self) -> list[Problem]:
        """Hand out and forget what was collected since the last drain."""
        drained, self.items = self.items, []
        return drained

    @property
    def total(self) -> int:
        return self.counts.total()

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass
class Reading:
    """A data set as it is being read.

    `class_names` are distinct and in a stable order. `images` can be iterated once, names every image file
    of the source exactly once (unlabelled ones too), sorted by path, and is `image_count` long. `problems`
    grows while `images` is iterated; only afterwards it is complete.

    Parallel to `class_names` where the format has them, else empty: `category_ids`, the numbers that stay
    with the classes however they are ordered (COCO's category ids; None where one is no whole number), and
    `colors` (#rrggbb, "" where there is none). `task` is detect or segment, "" where the format does not say.
    """

    format: str
    class_names: tuple[str, ...]
    image_count: int
    images: Iterator[ImageLabels]
    problems: Problems
    category_ids: tuple[int | None, ...] = ()
    task: str = ""
    colors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recognition:
    """How sure a format is (0: not at all, 1: certain) that a source is its own, and why, in words."""

    format: str
    score: float
    reason: str


@dataclass(slots=True)
class Entry:
    """One file of an export. Either `data` holds its bytes in pieces, or `image` is the image whose own
    bytes belong there."""

    name: str
    data: Iterable[bytes] | None = None
    image: ImageLabels | None = None


class Writer(Protocol):
    def __call__(
        self,
        class_names: Sequence[str],
        images: Iterable[ImageLabels],
        *,
        task: str = "detect",
        category_ids: Sequence[int] | None = None,
        class_colors: Sequence[str] | None = None,
    ) -> Iterator[Entry]:
        """The export's files; `images` is iterated once. Raises FormatError for labels it cannot express.

        `category_ids` (distinct, from 1; None: the places from 1 on) and `class_colors` are parallel to
        `class_names`; formats that have no use for them ignore them.
        """


@dataclass(frozen=True, slots=True)
class Format:
    """What a format module offers. `looks_for` completes the sentence "looked for …"."""

    key: str
    title: str
    looks_for: str
    recognise: Callable[[Source], Recognition]
    read: Callable[[Source], Reading]
    write: Writer
