"""The manifest of a backup: what is in it, under which hashes. It is written last; without one there is no backup."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field

from django.core.files.base import ContentFile
from django.utils import timezone

from apps.core.backup import BackupError
from apps.core.backup.lists import to_line
from apps.core.backup.places import settle, walk

FORMAT = 1
FOLDER = "manifests"


@dataclass
class Manifest:
    """`tables` and `files` are lists as `lists.ListWriter.end` gives them, each table with its name and columns."""

    name: str
    made_at: str
    database: str
    migrations: list
    tables: list
    files: dict
    missing: list = field(default_factory=list)
    secret: dict = field(default_factory=dict)
    format: int = FORMAT

    @property
    def fingerprint(self):
        """One hash for all rows and files: two platforms with the same one hold the same."""
        tables = sorted([table["table"], table["count"], table["sha256"]] for table in self.tables)
        return hashlib.sha256(to_line([tables, self.files["count"], self.files["sha256"]])).hexdigest()

    @property
    def num_rows(self):
        return sum(table["count"] for table in self.tables)

    def objects(self):
        """(sha256, bytes) of the objects that the manifest itself names; the files' are in the list `files`."""
        for known in (*self.tables, self.files):
            yield from ((sha256, size) for sha256, size, _ in known["pieces"])
        if "object" in self.secret:
            yield tuple(self.secret["object"])


def new_name():
    """A name for a backup of this moment; names sort by time."""
    return f"{timezone.now():%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(2)}"


def write_manifest(place, manifest):
    """Make a backup complete: its objects are on the disk for good before its manifest appears."""
    settle(place)
    told = asdict(manifest)
    told["sha256"] = hashlib.sha256(to_line(told)).hexdigest()
    place.save(f"{FOLDER}/{manifest.name}.json", ContentFile(json.dumps(told, indent=1, sort_keys=True).encode()))
    settle(place)


def backup_names(place):
    """The names of the complete backups of a place, the oldest first."""
    names = (found.name.removeprefix(f"{FOLDER}/") for found in walk(place, FOLDER))
    return sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))


def read_manifest(place, name=None):
    """The manifest of a backup, the newest one without a name; raises BackupError."""
    names = backup_names(place)
    if not names:
        raise BackupError("There is no complete backup in this place.")
    name = name or names[-1]
    if name not in names:
        raise BackupError(f"There is no backup {name} here; there are: {', '.join(names[-10:])}.")
    with place.open(f"{FOLDER}/{name}.json") as file:
        data = file.read()
    try:
        told = json.loads(data)
        sha256 = told.pop("sha256")
        if sha256 != hashlib.sha256(to_line(told)).hexdigest():
            raise ValueError("its bytes are others than those that were written")
        if told["format"] > FORMAT:
            raise BackupError(f"The backup {name} was made by a newer release of the platform; restore it with that.")
        return Manifest(**told)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"The manifest of {name} is damaged: {error}.") from None
