"""Files that a test begins with go to S3 when somebody asks for them: most tests never do.

Storing six images and their thumbnails there takes longer than most tests.
"""

import threading
from contextlib import contextmanager

from django.core.files.base import ContentFile


@contextmanager
def stored_when_asked(storage):
    """What is saved in `storage` meanwhile, under names that are new, waits in memory until S3 is asked anything else.

    On a disk it is stored at once, as ever.
    """
    if not hasattr(storage, "bucket_name"):
        yield
        return
    store = storage._wrapped
    if not isinstance(store, _Late):
        store.__class__ = type("LateStore", (_Late, type(store)), {})
    vars(store).setdefault("waiting", {})  # a test may have set up another store
    store.keeps = True
    try:
        yield
    finally:
        store.keeps = False


def forget_waiting(storage):
    """The next test begins."""
    storage.waiting = {}


class _Late:
    """All that is asked of S3 goes through these two properties; saving other files is no question about these."""

    keeps = False
    lock = threading.RLock()
    here = threading.local()

    @property
    def bucket(self):
        self._store_waiting()
        return super().bucket

    @property
    def connection(self):
        self._store_waiting()
        return super().connection

    def _store_waiting(self):
        if getattr(self.here, "saves", False):
            return
        with self.lock:  # other threads wait until all of it is there
            while self.waiting:
                name, data = self.waiting.popitem()
                self._save_now(name, ContentFile(data))

    def _save_now(self, name, content, max_length=None):
        self.here.saves = True
        try:
            return super().save(name, content, max_length)
        finally:
            self.here.saves = False

    def save(self, name, content, max_length=None):
        if not self.keeps:
            self.waiting.pop(name, None)
            return self._save_now(name, content, max_length)
        self.waiting[name] = content.read()
        return name

    def exists(self, name):
        return name in self.waiting or (not self.keeps and super().exists(name))
