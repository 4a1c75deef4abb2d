"""Images that ultralytics leaves out of a run because it cannot read them. It only logs them; here they are kept."""

import re
from collections.abc import Iterable

_MESSAGE = re.compile(r"(?P<path>/.*): ignoring corrupt image/label: (?P<reason>.*)", re.DOTALL)
found: dict[str, str] = {}  # path: reason


def note(messages: Iterable[str]) -> None:
    """Keep those of a scan's messages that are about an image which is left out."""
    for message in messages:
        if match := _MESSAGE.search(message):
            found[match["path"]] = " ".join(match["reason"].split())[:200]
