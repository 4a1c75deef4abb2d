"""Boxes as SVG."""

from django import template
from django.utils.html import format_html

register = template.Library()


@register.filter
def svg_rect(box):
    """The attributes of a <rect> from x1, y1, x2, y2 in pixels."""
    x1, y1, x2, y2 = box
    x, y, width, height = (f"{float(value):.1f}" for value in (x1, y1, max(x2 - x1, 0), max(y2 - y1, 0)))
    return format_html('x="{}" y="{}" width="{}" height="{}"', x, y, width, height)
