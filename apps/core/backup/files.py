"""The stored files of the platform on their way into a backup."""

import logging
from concurrent.futures import ThreadPoolExecutor

from django.core.files.base import File

from apps.core.backup import BackupError
from apps.core.backup.lists import ListWriter, read_list
from apps.core.backup.places import is_s3, walk

log = logging.getLogger(__name__)
AT_ONCE = 4
AHEAD = 64  # files that are listed and wait for one of these


class Copier:
    """Copies what the store has and the shelf has not; each `copy` looks at the whole store again.

    `known` is the list of files of the backup before: what is as it was then is not even read.
    """

    def __init__(self, storage, shelf, known=None, again=False):
        self.storage, self.shelf, self.again = storage, shelf, again
        self._known = (
            {name: (sha256, size, stamp) for name, sha256, size, stamp in read_list(shelf, known)} if known else {}
        )
        self._seen = {}  # name: (sha256, size, stamp)

    def copy(self, say=None):
        """Copy what is new or written anew since the last call; `say(files, bytes)` hears how far it is.

        Returns the names that the store has.
        """
        names, bytes_seen = set(), 0
        with ThreadPoolExecutor(AT_ONCE) as pool:
            waiting = []
            for found in walk(self.storage):
                names.add(found.name)
                bytes_seen += found.size
                if not self._is_known(found):
                    waiting.append(pool.submit(self._copy_one, found))
                    if len(waiting) >= AHEAD:
                        waiting.pop(0).result()
                if say:
                    say(len(names), bytes_seen)
            for one in waiting:
                one.result()
        return names & self._seen.keys()

    def _is_known(self, found):
        for known in (self._seen.get(found.name), self._known.get(found.name)):
            if known and known[1:] == (found.size, found.stamp) and self.shelf.has(known[0], found.size):
                self._seen[found.name] = known
                return True
        return False

    def _copy_one(self, found):
        try:
            with self.storage.open(found.name) as file:
                self._seen[found.name] = (*self.shelf.put(File(file), self.again), found.stamp)
        except FileNotFoundError:
            self._seen.pop(found.name, None)  # deleted since it was listed
        except OSError as error:
            raise BackupError(f"{found.name} cannot be copied: {error.strerror or error}.") from error
        except Exception as error:
            if not (is_s3(self.storage) and is_gone(error)):
                raise
            self._seen.pop(found.name, None)

    def has(self, name):
        return name in self._seen

    def write_list(self, names):
        """Write the list of these files; returns it as a manifest knows it, with the sum of their bytes."""
        out = ListWriter(self.shelf, self.again)
        for name in sorted(names):
            sha256, size, stamp = self._seen[name]
            out.add([name, sha256, size], unhashed=[stamp])
        return {**out.end(), "bytes": sum(self._seen[name][1] for name in names)}


def is_gone(error):
    """Whether an S3 server said that there is no such object."""
    return getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode") == 404
