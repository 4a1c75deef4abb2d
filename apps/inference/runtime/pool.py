"""What keeps a busy server upright: few loaded models, few running predictions, a short queue."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from .errors import Overloaded


class RuntimeCache:
    """The runtimes used last, at most `max_bytes` of their estimated memory; they grow while they are used.

    The one used last always stays, even when it is larger than `max_bytes` alone.
    """

    def __init__(self, max_bytes: int):
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._futures: OrderedDict[Hashable, Future] = OrderedDict()

    def get(self, key: Hashable, load: Callable[[], Any]) -> Any:
        """The runtime of `key` = (model id, file hash); the first caller loads it, others meanwhile wait.

        What `load` raises reaches all who waited; the next call tries again.
        """
        with self._lock:
            future = self._futures.get(key)
            mine = future is None
            if mine:
                future = self._futures[key] = Future()
            self._futures.move_to_end(key)
            self._evict()
        if mine:
            self._fill(key, future, load)
        return future.result()

    def is_ready(self, key: Hashable) -> bool:
        """Whether the runtime of `key` is loaded, so that `get` answers without waiting."""
        with self._lock:
            future = self._futures.get(key)
        return future is not None and future.done() and future.exception() is None

    def drop(self, model_id: Hashable) -> None:
        """Forget every runtime of this model; predictions that run on it finish undisturbed."""
        with self._lock:
            for key in [key for key in self._futures if key[0] == model_id]:
                del self._futures[key]

    def keys(self) -> list[Hashable]:
        """The keys that are held, least recently used first."""
        with self._lock:
            return list(self._futures)

    def memory(self) -> int:
        """Bytes that all loaded runtimes hold, by their own estimate."""
        with self._lock:
            futures = list(self._futures.values())
        return sum(memory_of(future) or 0 for future in futures)

    def _fill(self, key: Hashable, future: Future, load: Callable[[], Any]) -> None:
        try:
            future.set_result(load())
        except BaseException as error:
            with self._lock:
                if self._futures.get(key) is future:
                    del self._futures[key]
            future.set_exception(error)
            return
        with self._lock:
            self._evict()

    def _evict(self) -> None:
        """Let the least recently used go until the rest fits."""
        held = [(key, memory) for key, future in self._futures.items() if (memory := memory_of(future)) is not None]
        total, last = sum(memory for _, memory in held), next(reversed(self._futures), None)
        for key, memory in held:
            if total <= self.max_bytes:
                return
            if key != last:
                del self._futures[key]
                total -= memory


def memory_of(future: Future) -> int | None:
    """Bytes that a loaded runtime holds, by its own estimate; None for one that is being loaded or could not be."""
    loaded = future.done() and future.exception() is None
    return future.result().memory_bytes if loaded else None


FLOOD = 20  # refusals within a second


class Flood:
    """Tells when so many are refused that even refusing each of them properly would cost too much."""

    def __init__(self):
        self._refused: deque[float] = deque(maxlen=FLOOD)  # when the last ones were

    def note(self) -> None:
        """One more was refused properly."""
        self._refused.append(time.monotonic())

    def is_on(self) -> bool:
        """Whether FLOOD were within the last second."""
        return len(self._refused) == FLOOD and time.monotonic() - self._refused[0] < 1


class Gate:
    """At most `running` threads inside the block, at most `waiting` in front of it.

    One more gets Overloaded at once. Not to be entered twice by one thread.
    """

    def __init__(self, running: int, waiting: int):
        self.max_running = running
        self.max_waiting = waiting
        self.running = 0
        self.waiting = 0
        self._seconds = 0.0  # moving mean of one pass
        self._flood = Flood()
        self._condition = threading.Condition()
        self._mine = threading.local()

    def __enter__(self) -> Gate:
        with self._condition:
            if self.running >= self.max_running:
                self._wait()
            self.running += 1
        self._mine.started = time.monotonic()
        return self

    def __exit__(self, *exc) -> None:
        seconds = time.monotonic() - self._mine.started
        with self._condition:
            self.running -= 1
            self._seconds += 0.1 * (seconds - self._seconds)
            self._condition.notify()

    def is_idle(self) -> bool:
        """Whether nobody is inside the block, or in front of it."""
        with self._condition:
            return not self.running and not self.waiting

    def refuse_flood(self) -> None:
        """Raise Overloaded where it is full and has refused FLOOD others within the last second.

        To be asked at the door, before a call costs anything: what is refused there costs next to nothing.
        """
        with self._condition:
            full = self.running >= self.max_running and self.waiting >= self.max_waiting
            if full and self._flood.is_on():
                raise Overloaded(self.retry_after())

    def _wait(self) -> None:
        if self.waiting >= self.max_waiting:
            self._flood.note()
            raise Overloaded(self.retry_after())
        self.waiting += 1
        try:
            while self.running >= self.max_running:
                self._condition.wait()
        finally:
            self.waiting -= 1

    def retry_after(self) -> int:
        """Whole seconds until the present queue has probably passed, at least 1."""
        return max(1, math.ceil(self._seconds * (self.waiting + 1) / self.max_running))
