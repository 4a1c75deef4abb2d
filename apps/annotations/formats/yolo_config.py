"""What stands around YOLO's label files: class names, splits and the keypoint shape.

Ultralytics has them in a data.yaml, Darknet in obj.data and obj.names, labelling tools in a classes.txt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from posixpath import basename, dirname

from .base import SPLITS, UNASSIGNED, Code, FormatError, Problems, Source
from .layout import ImageIndex, plain_path, split_of, split_word, with_extension
from .text import clean_name, read_lines, read_yaml, shown

MAX_CLASSES = 10_000
_NAME_LISTS = ("classes.txt", "obj.names", "_darknet.labels", "labels.names", "class_names.txt")


@dataclass
class Config:
    """`names`: the class name of each class number, None where nothing in the source says. `list_files`:
    text files that are known not to be labels."""

    file: str = ""
    names: list[str] | None = None
    keypoint_values: int = 0
    split_paths: dict[str, list[str]] = field(default_factory=dict)
    list_files: set[str] = field(default_factory=set)


def read_config(source: Source, names: list[str], problems: Problems) -> Config:
    """From the data.yaml nearest the top, else from Darknet's files, else from a list of names.
    Raises FormatError where the file that decides is broken."""
    config = Config()
    for file in find_data_yamls(source, names, problems):
        if not config.file:
            _take_yaml(config, file, read_yaml(source, file))
        else:
            problems.add(file, None, f"a second data.yaml; {config.file} was used", Code.NOTE)
    _take_darknet(config, source, names, problems)
    for file in _name_lists(names):
        config.list_files.add(file)
        if config.names is None:
            config.file = file
            config.names = _numbered([clean_name(line) for _number, line in read_lines(source, file)], file)
    return config


def find_data_yamls(source: Source, names: list[str], problems: Problems | None = None) -> list[str]:
    """The YAML files that describe a data set, the likeliest first. A broken one raises FormatError when
    it is called data.yaml, and is a problem otherwise."""
    found = []
    for file in with_extension(names, ".yaml", ".yml"):
        try:
            content = read_yaml(source, file)
        except FormatError as error:
            if basename(file).lower() in ("data.yaml", "data.yml"):
                raise
            if problems is not None:
                problems.add_error(error)
            continue
        if "names" in content or ("nc" in content and "train" in content):
            found.append(file)
    return sorted(found, key=lambda file: (file.count("/"), not basename(file).startswith("data."), file))


def _take_yaml(config: Config, file: str, content: dict) -> None:
    config.file = file
    config.names = _yaml_names(content, file)
    config.keypoint_values = _keypoint_values(content.get("kpt_shape"))
    for key, value in content.items():
        if split := split_word(key):
            entries = value if isinstance(value, list) else [value]
            config.split_paths.setdefault(split, []).extend(str(entry) for entry in entries if entry)


def _yaml_names(content: dict, file: str) -> list[str] | None:
    names, count = content.get("names"), content.get("nc")
    if isinstance(names, list):
        return _numbered([clean_name(name) for name in names], file)
    if isinstance(names, dict):
        return _numbered(_listed(names, file), file)
    if isinstance(count, str) and count.isascii() and count.isdigit() and len(count) < 9:
        return _numbered([""] * min(int(count), MAX_CLASSES + 1), file)
    return None


def _listed(names: dict, file: str) -> list[str]:
    """The map's names at their numbers, empty where a number is left out."""
    by_number = {}
    for key, name in names.items():
        is_number = isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 9
        if not is_number or int(key) > MAX_CLASSES:
            raise FormatError(file, None, f"names has the key {shown(key)!r}, which is no class number")
        by_number[int(key)] = clean_name(name)
    return [by_number.get(number, "") for number in range(max(by_number, default=-1) + 1)]


def _numbered(names: list[str], file: str) -> list[str]:
    """A name that is empty becomes class_<its number>, as Ultralytics does it."""
    if len(names) > MAX_CLASSES:
        raise FormatError(file, None, f"has more than {MAX_CLASSES} classes")
    return [name or f"class_{number}" for number, name in enumerate(names)]


def _keypoint_values(shape: object) -> int:
    if isinstance(shape, list) and len(shape) == 2 and all(str(part).isdecimal() for part in shape):
        count, values = (int(part[:6]) for part in shape)
        return count * values if values in (2, 3) else 0
    return 0


def _take_darknet(config: Config, source: Source, names: list[str], problems: Problems) -> None:
    for file in with_extension(names, ".data"):
        try:
            lines = read_lines(source, file)
        except FormatError as error:  # other things are called .data as well
            problems.add_error(error, Code.NOTE)
            continue
        for _number, line in lines:
            key, _equals, value = (part.strip() for part in line.partition("="))
            if split := split_word(key):
                config.split_paths.setdefault(split, []).append(value)


def _name_lists(names: list[str]) -> list[str]:
    known = [name for name in names if basename(name).lower() in _NAME_LISTS or name.lower().endswith(".names")]
    return sorted(known, key=lambda name: (name.count("/"), name))


class Splits:
    """The split of each image: by the data.yaml where it names the image's folder (or the image, in a
    list) for one split only, else by the folders' own names."""

    def __init__(self, config: Config, source: Source, images: list[str], problems: Problems):
        self._folders: dict[str, set[str]] = defaultdict(set)
        self._listed: dict[str, str] = {}
        index = ImageIndex(images)
        files = {name.lower(): name for name in source.names()}
        folders = sorted({dirname(image) for image in images})
        for split in SPLITS:
            for path in config.split_paths.get(split, []):
                if list_file := _resolve(plain_path(path), files):
                    config.list_files.add(list_file)
                    self._take_list(split, source, list_file, index, problems)
                else:
                    self._take_folder(split, plain_path(path), folders)

    def of(self, image: str) -> str:
        if UNASSIGNED in dirname(image).lower().split("/"):
            return ""
        if image in self._listed:
            return self._listed[image]
        claimed = self._folders.get(dirname(image), ())
        return next(iter(claimed)) if len(claimed) == 1 else split_of(image)

    def _take_folder(self, split: str, path: str, folders: Iterable[str]) -> None:
        for tail in _tails_of(path):
            matching = [folder for folder in folders if f"/{tail}/" in f"/{folder}/"]
            for folder in matching:
                self._folders[folder].add(split)
            if matching:
                return

    def _take_list(self, split: str, source: Source, file: str, index: ImageIndex, problems: Problems) -> None:
        for number, line in read_lines(source, file):
            found = index.find(line, split=split)
            if len(found) != 1:
                what = "is not in the archive" if not found else "can be several images"
                code = Code.IMAGE_MISSING if not found else Code.IMAGE_AMBIGUOUS
                problems.add(file, number, f"the listed image {clean_name(line)[:200]} {what}", code)
            elif self._listed.setdefault(found[0], split) != split:
                other = self._listed[found[0]]
                reason = f"{found[0]} is listed for {split} and for {other}; it stays in {other}"
                problems.add(file, number, reason, Code.DUPLICATE)


def _tails_of(path: str) -> list[str]:
    """`a/b/c` → a/b/c, b/c, c: absolute paths of another machine agree only in their last parts."""
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))] if path else []


def _resolve(path: str, files: dict[str, str]) -> str | None:
    """The list file (`train.txt`) that a path of another machine means."""
    if not path.lower().endswith(".txt"):
        return None
    for tail in _tails_of(path.lower()):
        ending = [name for lower, name in files.items() if lower == tail or lower.endswith(f"/{tail}")]
        if len(ending) == 1:
            return ending[0]
    return None
