"""Checkpoints in the store: what a training lost with its machine goes on from, on another one.

A run folder lies on the trainer's machine. Where the files of the platform lie elsewhere (S3), machines come and go:
then the last checkpoint and the best one are packed into one object of the store now and then while a job trains, and
the trainer that takes the job next begins with the later of what it has itself and what the store has.
"""

import contextlib
import logging
import tarfile
import threading
import time
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import connection

from apps.core import work
from apps.core.storage import is_local, new_draft
from apps.core.work import WorkCancelled
from apps.training.models import TrainingJob
from apps.training.services.folders import run_folder

log = logging.getLogger(__name__)
PAUSE_SECONDS = 60
SHARE = 5  # it rests five times as long as the last upload took, so that large weights do not fill the network
WEIGHTS = ("last.pt", "best.pt")  # in this order: a last one may not know of a best one that is missing
BESIDE = ("results.csv", "args.yaml")


def are_wanted():
    """Whether checkpoints go to the store: where it is this machine's disk, the run folder itself is as safe."""
    return not is_local(default_storage)


def stored_as(job):
    """The name of a job's checkpoint in the store."""
    return _name(job.pk)


def _name(pk):
    return f"training/{pk}/checkpoint.tar"


class Keeper:
    """Uploads the newest checkpoint of a running job from a thread of its own; the training does not wait for it.

    `epoch_done(n)` says that there is one of epoch n. At the end of the `with`, what was begun is finished; a newer one
    is uploaded too where `flush()` was called, as before a worker hands its job back.
    """

    def __init__(self, job):
        self.job, self._newest, self._stored = job, None, None
        self._wake, self._over, self._hurry = threading.Event(), threading.Event(), threading.Event()
        self._thread = None

    def __enter__(self):
        if are_wanted():
            self._thread = threading.Thread(target=self._work, name=f"checkpoints of {self.job.pk}", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._wake.set()
        if self._thread:
            self._thread.join()

    def epoch_done(self, epoch):
        note_epoch(run_folder(self.job), epoch)
        self._newest = epoch
        self._wake.set()

    def flush(self):
        self._hurry.set()

    def _work(self):
        try:
            self._keep()
        finally:
            connection.close()

    def _keep(self):
        while not self._over.is_set():
            self._wake.wait()
            self._wake.clear()
            if self._newest != self._stored and not self._over.is_set():
                began = time.monotonic()
                self._upload()
                self._over.wait(max(PAUSE_SECONDS, SHARE * (time.monotonic() - began)))
        if self._hurry.is_set() and self._newest != self._stored:
            self._upload()

    def _upload(self):
        epoch = self._newest
        try:
            store(self.job, epoch)
            self._stored = epoch
        except WorkCancelled:
            self._stored = epoch  # whose job it is now stores its own
        except Exception:  # whatever the store says: the training goes on, and the next epoch tries again
            log.exception("the checkpoint of training %s could not be stored", self.job.pk)
            connection.close()


def note_epoch(folder, epoch):
    """Write down beside the run of which epoch its checkpoint is at least."""
    draft = folder / "epoch.draft"
    draft.write_text(str(epoch))
    draft.rename(folder / "epoch")


def store(job, epoch):
    """Put the checkpoint of the job's run folder into the store; raises WorkCancelled for who has lost the job."""
    work.update_running(job)
    with new_draft() as draft:
        with tarfile.open(fileobj=draft.file, mode="w") as pack:
            for path in _parts(run_folder(job) / "run"):
                with contextlib.suppress(FileNotFoundError):  # no best one yet
                    pack.add(path, path.name, recursive=False)
        draft.seek(0)
        work.update_running(job)  # whose job it is now may have stored a later one
        default_storage.save(stored_as(job), draft)
    work.update_running(job, checkpoint_epoch=epoch)


def fetch(job):
    """Bring the job's checkpoint from the store into its run folder, where it is later than what lies there.

    Returns its epoch, or None where nothing was brought. Killed midway, the next call begins anew.
    """
    folder = run_folder(job)
    if job.checkpoint_epoch is None or _epoch_here(folder) >= job.checkpoint_epoch:
        return None
    weights = folder / "run" / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    try:
        with default_storage.open(stored_as(job)) as file, tarfile.open(fileobj=file, mode="r|") as pack:
            found = [_unpack(pack, member, folder / "run") for member in pack if member.isfile()]
    except FileNotFoundError:
        log.warning("the store has no checkpoint of training %s any more", job.pk)
        return None
    for draft, place in reversed(found):  # the last checkpoint last: it makes a run of the rest
        draft.replace(place)
    note_epoch(folder, job.checkpoint_epoch)
    return job.checkpoint_epoch


def drop_of_nobody(pk):
    """Delete the checkpoint of a job whose row is gone."""
    if are_wanted():
        default_storage.delete(_name(pk))


def drop(job):
    """Delete the job's checkpoint from the store, if it has one."""
    if job.checkpoint_epoch is not None or are_wanted():  # one that nobody noted may lie there
        default_storage.delete(stored_as(job))
        TrainingJob.objects.filter(pk=job.pk).update(checkpoint_epoch=None)


def _parts(run):
    return [*(run / "weights" / name for name in WEIGHTS), *(run / name for name in BESIDE)]


def _unpack(pack, member, run):
    """(draft, its place) of one file of a pack; only the names that are packed."""
    place = next((path for path in _parts(run) if path.name == member.name), None)
    if place is None:
        raise ValueError(f"A checkpoint holds {member.name!r}, which is none of its files.")
    draft = place.with_name(f"{place.name}.fetched")
    with draft.open("wb") as out:
        source = pack.extractfile(member)
        while piece := source.read(1 << 20):
            out.write(piece)
    return draft, place


def _epoch_here(folder: Path):
    """The epoch of the checkpoint in a run folder; -1 where there is none."""
    if not (folder / "run" / "weights" / "last.pt").is_file():
        return -1
    try:
        return int((folder / "epoch").read_text())
    except FileNotFoundError:
        return 0
