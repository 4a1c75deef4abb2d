"""Every address that the resolver knows, as it is written in the urls."""

import re
from collections import namedtuple

from django.urls import URLPattern, get_resolver

Route = namedtuple("Route", "text name")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def all_routes():
    """`[Route]`, the admin's included, each text once."""
    found = {}
    for text, name in _walk(get_resolver().url_patterns, ""):
        found.setdefault(text, Route(text, name))
    return list(found.values())


def _walk(patterns, before):
    for pattern in patterns:
        text = before + re.sub(r"^\^|\$$|\\Z$", "", str(pattern.pattern))
        if isinstance(pattern, URLPattern):
            yield re.sub(r"\(\?P<app_label>[^)]*\)", "<app_label>", text), pattern.name  # names every app
        else:
            yield from _walk(pattern.url_patterns, text)


def filled(text, values):
    """The address of a route, its parameters from `values`; KeyError names one that is missing."""
    for name in re.findall(r"<(?:\w+:)?(\w+)>", text.replace("(?P", "")):
        text = re.sub(rf"\(\?P<{name}>[^)]*\)|<(?:\w+:)?{name}>", str(values[name]), text, count=1)
    return "/" + text
