"""Where things lie in an archive: images, the splits their folders speak of, and who means which file."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from posixpath import basename, dirname, splitext

from .base import SPLITS, UNASSIGNED, ImageLabels, Source
from .text import clean_name

_COMMON = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff")
IMAGE_EXTENSIONS = frozenset((*_COMMON, ".gif", ".avif", ".heic", ".heif", ".jp2"))
_NOISE_FOLDERS = ("__MACOSX", "@eaDir")
_NOISE_FILES = ("thumbs.db", "desktop.ini")

_SPLIT_WORDS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val"}
_SPLIT_WORDS |= {"dev": "val", "test": "test", "testing": "test"}
_WORD = "|".join(sorted(_SPLIT_WORDS, key=len, reverse=True))
_PART = r"(?:images?|imgs?|labels?|annotations?|set|data|split)"
_SPLIT_FOLDER = re.compile(rf"(?:{_PART}[ _-]?)?({_WORD})(?:[ _-]?{_PART})?(?:[ _-]?\d{{4}})?", re.IGNORECASE)
_SPLIT_IN_STEM = re.compile(rf"(?:^|[^a-z])({_WORD})(?:\d{{4}})?(?:[^a-z]|$)", re.IGNORECASE)

_MANY = 1000  # files of one name; to compare more of them for every label would take for ever

_UNSAFE_IN_FILE_NAME = re.compile(r'[\\/:*?"<>|]+')


def content_names(source: Source) -> list[str]:
    """The source's files, sorted, without what operating systems leave behind."""
    return sorted(name for name in source.names() if not _is_noise(name))


def _is_noise(name: str) -> bool:
    parts = name.split("/")
    if any(part in _NOISE_FOLDERS or part.startswith(".") for part in parts):
        return True
    return parts[-1].lower() in _NOISE_FILES


def with_extension(names: Iterable[str], *extensions: str) -> list[str]:
    return [name for name in names if splitext(name)[1].lower() in extensions]


def image_names(names: Iterable[str]) -> list[str]:
    return with_extension(names, *IMAGE_EXTENSIONS)


def stem(path: str) -> str:
    """`train/a.b.jpg` → `a.b`."""
    return splitext(basename(path))[0]


def plain_path(text: str) -> str:
    """A path as some tool wrote it (`C:\\x\\a.jpg`, `../a.jpg`, `./a.jpg`), reduced to its named parts."""
    parts = re.sub(r"^[A-Za-z]:", "", text.strip()).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def split_of(path: str) -> str:
    """The split that the deepest telling folder of `path` names, or ""."""
    for folder in reversed(dirname(path).split("/")):
        if folder.lower() == UNASSIGNED:
            return ""
        if match := _SPLIT_FOLDER.fullmatch(folder):
            return _SPLIT_WORDS[match[1].lower()]
    return ""


def split_in_stem(path: str) -> str:
    """The split in a file's own name (`instances_val2017.json` → val), or ""."""
    match = _SPLIT_IN_STEM.search(stem(path))
    return _SPLIT_WORDS[match[1].lower()] if match else ""


def split_word(text: str) -> str:
    """`valid` → val; "" where the word is no split."""
    return _SPLIT_WORDS.get(text.strip().lower(), "")


class ImageIndex:
    """Finds the image that a label file means by a name, a path of another machine, or a stem."""

    def __init__(self, images: Sequence[str]):
        self._by_name: dict[str, list[str]] = defaultdict(list)
        self._by_stem: dict[str, list[str]] = defaultdict(list)
        for path in images:
            for tail in _tails(path):
                self._by_name[tail].append(path)
                self._by_stem[splitext(tail)[0]].append(path)

    def find(self, reference: str, *, near: str = "", split: str = "") -> list[str]:
        """The images `reference` (a path or a file name) can mean: one is found, several are ambiguous.

        Those that agree with most of the written path win; among equals, those of `split`, then those
        in the folder `near` or below it.
        """
        wanted = plain_path(reference)
        return _closest(_lookup(self._by_name, _tails(wanted)), wanted, near, split)

    def find_stem(self, reference: str, *, near: str = "", split: str = "") -> list[str]:
        """The images called like the file `reference`, whatever the extensions."""
        wanted = splitext(plain_path(reference))[0]
        return _closest(_lookup(self._by_stem, _tails(wanted)), wanted, near, split)

    def find_owned(self, file: str, named: str) -> list[str]:
        """The images that the label file `file` can belong to, in which the image is called `named`.

        The file's own name counts first, because the name inside is often left over from a copy; that
        decides between `a.jpg` and `a.png`.
        """
        near, split = dirname(file), split_of(file)
        found = self.find_stem(file, near=near, split=split)
        if len(found) == 1 or not named:
            return found
        by_name = self.find(named, near=near, split=split)
        return [path for path in found if path in by_name] or found or by_name


def _tails(path: str) -> list[str]:
    """The file's name, and the name with its folder: enough to keep the candidates few where every
    folder has a `0001.jpg`."""
    parts = path.lower().split("/")
    return [parts[-1], "/".join(parts[-2:])] if len(parts) > 1 else parts


def _lookup(index: dict[str, list[str]], tails: list[str]) -> list[str]:
    for tail in reversed(tails):
        if found := index.get(tail):
            return found
    return []


def _closest(candidates: list[str], wanted: str, near: str, split: str) -> list[str]:
    if len(candidates) < 2 or len(candidates) > _MANY:
        return candidates
    longest = max(_agreement(path, wanted) for path in candidates)
    best = [path for path in candidates if _agreement(path, wanted) == longest]
    preferences = (
        # Upper and lower case as written.
        lambda path: path.endswith(wanted) or splitext(path)[0].endswith(wanted),
        lambda path: bool(split) and split_of(path) == split,
        lambda path: bool(near) and path.startswith(f"{near}/"),
        lambda path: dirname(path) == near,
    )
    for preferred in preferences:
        best = [path for path in best if preferred(path)] or best
    return best


def _agreement(path: str, wanted: str) -> int:
    """How many folders, counted from the file upwards, two paths share."""
    count = 0
    for mine, theirs in zip(reversed(path.split("/")[:-1]), reversed(wanted.split("/")[:-1]), strict=False):
        if mine.lower() != theirs.lower():
            break
        count += 1
    return count


class ExportNames:
    """File names for an export: safe on every system, and no two in one folder with the same stem,
    because label files are found by it."""

    def __init__(self) -> None:
        self._taken: set[tuple[str, str]] = set()

    def name_for(self, image: ImageLabels, folder: str) -> str:
        """The image's file name in `folder`: its own, or with _2, _3, … before the extension."""
        name = _UNSAFE_IN_FILE_NAME.sub("_", clean_name(image.filename)).strip()
        own_stem, dot, extension = name.rpartition(".") if "." in name else (name, "", "")
        own_stem, extension = own_stem.strip(". ") or "image", (dot + extension).rstrip(". ")
        candidate, count = own_stem, 1
        while (folder, candidate.lower()) in self._taken:
            count += 1
            candidate = f"{own_stem}_{count}"
        self._taken.add((folder, candidate.lower()))
        return candidate + extension


def split_folder(image: ImageLabels) -> str:
    """The folder of the image's split in an export."""
    return image.split if image.split in SPLITS else UNASSIGNED
