"""Let old backups go, and the objects that only they had."""

from apps.core.backup.lists import read_list
from apps.core.backup.making import in_words
from apps.core.backup.manifests import FOLDER, backup_names, read_manifest
from apps.core.backup.shelf import Shelf


def keep_newest(place, number, say=print):
    """Delete all but the newest `number` backups of a place. No other backup may be on its way into it meanwhile.

    The manifests go first: what is killed leaves objects that the next call deletes.
    """
    names, shelf, needed = backup_names(place), Shelf(place), set()
    for name in names[-number:]:  # all are read before anything goes: a damaged one stops this
        manifest = read_manifest(place, name)
        needed.update(sha256 for sha256, _ in manifest.objects())
        needed.update(sha256 for _, sha256, _, _ in read_list(shelf, manifest.files))
    for name in names[:-number]:
        place.delete(f"{FOLDER}/{name}.json")
    count, size = shelf.drop_all_but(needed)
    say(f"{len(names[:-number])} older backups are deleted, {count} objects with {in_words(size)} went with them.")
