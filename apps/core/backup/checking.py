"""Whether a backup is whole: every object of it is read and held against its hash."""

from concurrent.futures import ThreadPoolExecutor

from apps.core.backup import BackupError
from apps.core.backup.lists import read_list
from apps.core.backup.making import Progress
from apps.core.backup.shelf import Shelf

AT_ONCE = 4
SHOWN = 10


def verify(place, manifest, say=print):
    """Read everything that a backup needs; raises BackupError naming what is missing or damaged."""
    shelf, progress = Shelf(place), Progress(say)
    wanted = {sha256: (size, "rows or lists") for sha256, size in manifest.objects()}
    _refuse(_faults(shelf, wanted, progress), manifest)  # the list of files must be right before it is read
    files = {sha256: (size, name) for name, sha256, size, _ in read_list(shelf, manifest.files)}
    _refuse(_faults(shelf, files, progress), manifest)
    for table in manifest.tables:
        if sum(1 for _ in read_list(shelf, table)) != table["count"]:
            raise BackupError(f"The rows of {table['table']} in backup {manifest.name} are not all there.")
    say(
        f"Backup {manifest.name} is whole: {len(wanted) + len(files)} objects, each with the bytes that its hash tells."
    )


def _faults(shelf, wanted, progress):
    total, done, found = sum(size for size, _ in wanted.values()), 0, []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        faults = pool.map(lambda one: shelf.fault(one[0], one[1][0]), wanted.items())
        for (sha256, (size, name)), fault in zip(wanted.items(), faults, strict=True):
            done += size
            progress.of("Checked", done, total)
            if fault:
                found.append(f"{name} (object {sha256}) {fault}")
    return found


def _refuse(faults, manifest):
    if faults:
        more = f"\n  … and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        listed = "".join(f"\n  {fault}" for fault in faults[:SHOWN])
        raise BackupError(
            f"Backup {manifest.name} is not whole:{listed}{more}\n"
            "An earlier backup may be. A new one with --full copies everything again, also what seems to be there."
        )
