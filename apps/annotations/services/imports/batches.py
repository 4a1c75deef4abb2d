"""Images on their way in: read from the archive by one thread, decoded in a pool, handed on in order.

While one batch is being stored the next is decoded already, so that both cores work. A batch ends at BATCH images or
BATCH_BYTES, whichever comes first: that, and not the size of the archive, is what an import needs of memory.
"""

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings

from apps.core.images import BadImage
from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage

BATCH = 64
BATCH_BYTES = 32 * 2**20
AHEAD = 1  # batches that are decoded while one is stored
DECODERS = 2


@dataclass
class Arrival:
    """An image of the archive: its labels, and either `new` (checked, to be stored), `bad` (why not), or neither.

    With neither, its bytes are in the dataset already.
    """

    labels: object
    sha256: str
    future: Future | None = None
    new: datasets.NewImage | None = None
    bad: str = ""

    def settle(self):
        """Wait for the decoding, where there is one."""
        if self.future is not None:
            try:
                self.new = self.future.result()
            except BadImage as bad:
                self.bad = str(bad)
            self.future = None


class Batches:
    """Iterate over lists of settled Arrivals."""

    def __init__(self, dataset, archive, images, source, job):
        self.dataset, self.archive, self.images = dataset, archive, images
        self._more = {"source": source, "import_job": job}

    def __iter__(self):
        waiting = deque()
        with ThreadPoolExecutor(DECODERS, thread_name_prefix="decode") as pool:
            try:
                for batch in self._read():
                    waiting.append(self._decode(pool, batch))
                    if len(waiting) > AHEAD:
                        yield _settled(waiting.popleft())
                while waiting:
                    yield _settled(waiting.popleft())
            finally:
                pool.shutdown(cancel_futures=True)

    def _read(self):
        """Lists of (Arrival, bytes)."""
        batch, size = [], 0
        for labels in self.images:
            data, bad = self._bytes(labels)
            batch.append((Arrival(labels, "" if bad else hashlib.sha256(data).hexdigest(), bad=bad), data))
            size += len(data)
            if len(batch) >= BATCH or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _bytes(self, labels):
        try:
            with self.archive.open(labels.path) as file:
                return file.read(settings.MAX_IMAGE_BYTES + 1), ""
        except OSError as error:  # a damaged entry; a refused archive raises ArchiveError, which ends the import
            return b"", str(error)

    def _decode(self, pool, batch):
        """What is in the dataset already is not decoded again: a run after a kill comes to its place quickly."""
        hashes = [arrival.sha256 for arrival, _ in batch]
        known = DatasetImage.objects.filter(dataset=self.dataset, sha256__in=hashes).values_list("sha256", flat=True)
        known = set(known)
        for arrival, data in batch:
            if not arrival.bad and arrival.sha256 not in known:
                known.add(arrival.sha256)
                arrival.future = pool.submit(
                    datasets.check_new_image, self.dataset, arrival.labels.filename, data, **self._more
                )
        return [arrival for arrival, _ in batch]


def _settled(batch):
    for arrival in batch:
        arrival.settle()
    return batch
