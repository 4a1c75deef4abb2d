"""The one exception of the rooms that judge uploaded weights."""

from __future__ import annotations


class Refused(Exception):
    """The file is not taken. The text says why in words; `name` is what gave offence, where it has a name.

    `more`: what would help, for the process that asked.
    """

    def __init__(self, words: str, name: str = "", **more):
        self.name, self.more = name, more
        super().__init__(words)
