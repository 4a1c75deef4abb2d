"""What can go wrong, in words that may be shown to the person who asked."""

from __future__ import annotations


class BadImage(ValueError):
    """The bytes are not an image that can be answered on; `reason` is a sentence."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


class ModelError(Exception):
    """An exported model that is missing, damaged or of a kind this runtime does not serve."""


class Overloaded(Exception):
    """As many wait as may wait; try again in `retry_after` whole seconds."""

    def __init__(self, retry_after: int):
        super().__init__(f"Too many predictions are waiting; try again in {retry_after} s.")
        self.retry_after = retry_after
