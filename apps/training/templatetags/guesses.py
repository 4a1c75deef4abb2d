"""Guesses as people say them: no more digits than are known."""

from django import template

register = template.Library()


@register.filter
def roughly(seconds):
    """40 → 40 s, 754 → 13 min, 9000 → 2.5 h, 200000 → 2.3 days."""
    if seconds < 55:
        return f"{max(round(seconds / 5) * 5, 5)} s"
    if seconds < 55 * 60:
        return f"{max(round(seconds / 60), 1)} min"
    if seconds < 36 * 3600:
        return f"{_short(seconds / 3600)} h"
    return f"{_short(seconds / 86400)} days"


@register.filter
def gigabytes(mib):
    """2300 → 2.2 GB; MiB, as memory is told."""
    return f"{_short(mib / 1024)} GB"


def _short(number):
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"
