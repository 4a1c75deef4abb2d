"""Small things that many templates show."""

from django import template
from django.utils.html import format_html

from apps.core.access import Right, may

register = template.Library()


@register.filter
def seen_by(row, user):
    """Whether a row that is no public one is this person's, or of a team of theirs."""
    return may(user, Right.INSIDE, row)


@register.filter
def said(detail):
    """What an event of the audit log knows more, in words: “role: viewer; before: admin”."""
    lists = {name: ", ".join(map(str, value)) if isinstance(value, list) else value for name, value in detail.items()}
    return "; ".join(f"{name.replace('_', ' ')}: {value}" for name, value in lists.items() if value not in (None, ""))


@register.filter
def percent(value, digits=1):
    """0.8314 → 83.1 %; a dash where there is no number."""
    return "–" if value is None or value == "" else f"{float(value) * 100:.{digits}f} %"


@register.filter
def metric(value):
    """A metric between 0 and 1 with three digits; a dash where there is none."""
    return "–" if value is None or value == "" else f"{float(value):.3f}"


@register.filter
def signed(value):
    """A difference of metrics with its sign: +0.031."""
    return f"{float(value):+.3f}".replace("-", "−")


@register.filter
def duration(seconds):
    """Seconds as people say them: 45 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return "–"
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes, rest = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


@register.filter
def clock(seconds):
    """A moment of a video as players show it, with hundredths: 0:04.20, 1:02:03.00; a dash where there is none."""
    if seconds is None:
        return "–"
    hundredths = round(float(seconds) * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{start}:{rest / 100:05.2f}"


@register.filter
def words(name):
    """needs_work → needs work"""
    return str(name).replace("_", " ")


@register.filter
def get_item(mapping, key):
    """`mapping[key]`, or None."""
    return mapping.get(key) if mapping else None


@register.filter
def class_hue(class_index):
    """The number of the palette's colour that a class index has (`.hue-0` to `.hue-15` in the style sheet)."""
    return int(class_index) % 16


@register.simple_tag
def status_badge(status):
    """A state as a coloured word."""
    return format_html('<span class="badge badge-{}">{}</span>', status, str(status).replace("_", " "))


@register.simple_tag(takes_context=True)
def query_with(context, **changes):
    """The page's query string with some values changed; an empty value drops its key."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        query.pop(key, None)
        if value not in ("", None):
            query[key] = value
    return "?" + query.urlencode()
