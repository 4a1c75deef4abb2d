"""Objects named by what is in them: the same bytes are there once, and what is there can be checked by its name."""

import hashlib

from django.core.files.base import ContentFile, File

from apps.core.backup import BackupError
from apps.core.backup.places import walk

CHUNK = 1024 * 1024
FOLDER = "objects"


class Shelf:
    """The objects of a backup place. May be used by several threads."""

    def __init__(self, place):
        self.place = place
        self._sizes = {found.name: found.size for found in walk(place, FOLDER)}
        self.num_new = self.bytes_new = 0

    def __len__(self):
        return len(self._sizes)

    def has(self, sha256, size):
        """Whether the object is there with as many bytes as it should have."""
        return self._sizes.get(object_name(sha256)) == size

    def put(self, file: File, again=False):
        """Store the bytes of an open file, where they are not there yet or `again`; returns (sha256, size)."""
        sha256, size = digest(file)
        if again or not self.has(sha256, size):
            file.seek(0)
            self.place.save(object_name(sha256), file)
            self._sizes[object_name(sha256)] = size
            self.num_new += 1
            self.bytes_new += size
        return sha256, size

    def put_bytes(self, data, again=False):
        """As `put`."""
        return self.put(ContentFile(data), again)

    def open(self, sha256):
        """An object as an open file; raises BackupError where it is not there."""
        try:
            return self.place.open(object_name(sha256))
        except FileNotFoundError:
            raise BackupError(f"The object {sha256} is missing.") from None

    def read(self, sha256):
        """All bytes of an object; raises BackupError where they are not those that its name tells."""
        with self.open(sha256) as file:
            data = file.read()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise BackupError(f"The object {sha256} is damaged.")
        return data

    def fault(self, sha256, size):
        """What is wrong with an object, in words, after reading all of it; empty where it is whole."""
        known = self._sizes.get(object_name(sha256))
        if known is None:
            return "is missing"
        if known != size:
            return f"has {known} bytes instead of {size}"
        with self.open(sha256) as file:
            return "" if digest(file)[0] == sha256 else "is damaged: its bytes are others than those that were stored"

    def drop_all_but(self, needed):
        """Delete the objects whose sha256 is not among `needed`; returns (how many, bytes)."""
        kept = {object_name(sha256) for sha256 in needed}
        over = {name: size for name, size in self._sizes.items() if name not in kept}
        for name in over:
            self.place.delete(name)
            del self._sizes[name]
        return len(over), sum(over.values())


def object_name(sha256):
    return f"{FOLDER}/{sha256[:2]}/{sha256}"


def digest(file):
    """(SHA-256 in hex, number of bytes) of an open file, from its beginning to its end."""
    file.seek(0)
    found, size = hashlib.sha256(), 0
    while chunk := file.read(CHUNK):
        found.update(chunk)
        size += len(chunk)
    return found.hexdigest(), size
