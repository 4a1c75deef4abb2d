"""The one exception of the rooms that judge uploaded weights."""

from __future__ import annotations


class Refused(Exception):
    """The file is not taken. The text says why in words; `name` is what gave offence, where it has a name."""

    def __init__(self, words: str, name: str = ""):
        self.name = name
        super().__init__(words)
