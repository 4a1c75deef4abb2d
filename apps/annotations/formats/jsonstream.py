"""JSON of any size, one element at a time.

Label files of hundreds of megabytes are one object with long lists. Read whole they take ten times their
size in memory; here only a window of the text and one element exist at a time, and every element's line
is known.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

from .base import FormatError, Source

CHUNK = 1024 * 1024
MAX_ELEMENT = 8 * CHUNK
SKIPPED = ("imageData",)  # LabelMe's copy of the whole image: told as None, whatever its length

_NEXT = re.compile(r"[ \t\r\n]*,[ \t\r\n]*")
_SPACE = re.compile(r"[ \t\r\n]*")
_TEXT_MARK = re.compile(r'["\\]')
_scan = json.JSONDecoder().scan_once


@dataclass(slots=True)
class Item:
    """One value at the top of the file. The elements of a list come one by one, from index 0, after an
    item with index -1 and value None that says the list is there; other values have index None."""

    key: str
    index: int | None
    value: Any
    line: int


def stream_items(source: Source, name: str) -> Iterator[Item]:
    """The members of the file's object, or (with key "") of its list. Raises FormatError."""
    try:
        with source.open(name) as stream:
            yield from _items(_Window(stream, name))
    except OSError as error:
        raise FormatError(name, None, f"cannot be read: {error}") from error


def _items(window: _Window) -> Iterator[Item]:
    if window.peek() == "[":
        yield from _list("", window)
        return
    window.take("{", "an object or a list")
    while window.peek() != "}":
        key = window.value()
        if not isinstance(key, str):
            raise window.error("has a key that is not text")
        window.take(":", "a colon after the key")
        if window.peek() == "[":
            yield from _list(key, window)
        elif key in SKIPPED and window.peek() == '"':
            line = window.line()
            window.skip_text()
            yield Item(key, None, None, line)
        else:
            line = window.line()
            yield Item(key, None, window.value(), line)
        if window.peek() == ",":
            window.take(",", "a comma")
        elif window.peek() != "}":
            raise window.error("is not valid JSON (expected a comma or the end of the object)")


def _list(key: str, window: _Window) -> Iterator[Item]:
    window.take("[", "a list")
    yield Item(key, -1, None, window.line())
    index, is_end = 0, window.peek() == "]"
    while not is_end:
        index = yield from window.elements_at_hand(key, index)
        line = window.line()
        yield Item(key, index, window.value(), line)
        index += 1
        is_end = window.peek() == "]"
        if not is_end:
            window.take(",", "a comma or the end of the list")
            is_end = window.peek() == "]"
    window.take("]", "the end of the list")


class _Window:
    """The part of the text at hand, and the place in it."""

    def __init__(self, stream, name: str):
        self._stream, self._name = stream, name
        self._text, self._pos, self._ended = "", 0, False
        self._lines, self._counted = 1, 0
        head = stream.read(CHUNK)
        encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._add(head)

    def peek(self) -> str:
        """The next character that is not space; raises where the text ends."""
        while True:
            self._pos = _SPACE.match(self._text, self._pos).end()
            if self._pos < len(self._text):
                return self._text[self._pos]
            if self._ended:
                raise self.error("is not valid JSON (it ends too early)")
            self._fill()

    def elements_at_hand(self, key: str, index: int) -> Generator[Item, None, int]:
        """The list's elements that are whole in the window, up to the last or a broken one; returns the next index."""
        text, position, lines, counted = self._text, self._pos, self._lines, self._counted
        while True:
            try:
                value, end = _scan(text, position)
            except (StopIteration, ValueError, RecursionError):  # `value` says what is wrong, or reads on
                break
            following = _NEXT.match(text, end)
            if not following or following.end() >= len(text) or text[following.end()] == "]":
                break
            lines += text.count("\n", counted, position)
            counted = position
            yield Item(key, index, value, lines)
            index += 1
            position = following.end()
        self._pos, self._lines, self._counted = position, lines, counted
        return index

    def take(self, character: str, what: str) -> None:
        if self.peek() != character:
            raise self.error(f"is not valid JSON (expected {what})")
        self._pos += 1

    def value(self) -> Any:
        if self._pos >= len(self._text) or self._text[self._pos] in " \t\r\n":
            self.peek()
        while True:
            try:
                value, end = _scan(self._text, self._pos)
            except StopIteration as error:
                self._fill_or_raise("expecting a value", error.value)
            except json.JSONDecodeError as error:
                self._fill_or_raise(error.msg, error.pos)
            except RecursionError as error:
                raise self.error("is nested too deeply") from error
            except ValueError as error:  # a whole number of thousands of digits
                raise self.error(f"is not valid JSON ({error})") from error
            else:
                if end < len(self._text) or self._ended:
                    self._pos = end
                    return value
                self._fill_or_raise("unfinished value", end)

    def skip_text(self) -> None:
        """Go past the text that starts here, and hold nothing of it."""
        self.take('"', "a text")
        while True:
            found = _TEXT_MARK.search(self._text, self._pos)
            if found and found[0] == '"':
                self._pos = found.end()
                return
            if found and found.end() < len(self._text):
                self._pos = found.end() + 1  # past what the backslash escapes
                continue
            if self._ended:
                raise self.error("is not valid JSON (a text that does not end)")
            self._pos = found.start() if found else len(self._text)
            self._fill()

    def line(self) -> int:
        """The line, from 1, of the place reached."""
        self._lines += self._text.count("\n", self._counted, self._pos)
        self._counted = self._pos
        return self._lines

    def error(self, reason: str) -> FormatError:
        return FormatError(self._name, self.line(), reason)

    def _fill_or_raise(self, message: str, position: int) -> None:
        if self._ended:
            self._pos = min(position, len(self._text))
            raise self.error(f"is not valid JSON ({message})")
        if len(self._text) - self._pos > MAX_ELEMENT:
            raise self.error(f"has an element of more than {MAX_ELEMENT // CHUNK} MB, or is not valid JSON")
        self._fill()

    def _fill(self) -> None:
        self.line()
        self._text, self._pos, self._counted = self._text[self._pos :], 0, 0
        self._add(self._stream.read(CHUNK))

    def _add(self, data: bytes) -> None:
        self._ended = not data
        try:
            self._text += self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise self.error("is not text in UTF-8") from error
