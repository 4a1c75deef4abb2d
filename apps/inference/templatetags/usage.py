"""Small drawings of what was asked."""

from django import template
from django.utils.html import format_html, format_html_join

register = template.Library()
HEIGHT, STEP = 28, 6  # pixels


@register.simple_tag
def usage_bars(days, requests, refused):
    """A bar for each day, as high as what was asked on it; the part that the quota refused is drawn in red."""
    most = max(requests, default=0)
    if not most:
        return format_html('<span class="muted small">{}</span>', "not used")
    bars = format_html_join(
        "", "{}", ((_bar(*row, most),) for row in enumerate(zip(days, requests, refused, strict=True)))
    )
    words = f"At most {most} on a day; the last of {len(days)} days is today."
    return format_html(
        '<svg class="usage-bars" width="{}" height="{}" role="img" aria-label="{}">{}</svg>',
        STEP * len(days), HEIGHT, words, bars,
    )  # fmt: skip


def _bar(place, day, most):
    date, asked, refused = day
    height = max(round(HEIGHT * asked / most), 1 if asked else 0)
    red = round(height * refused / asked) if asked else 0
    words = f"{date}: {asked} asked" + (f", {refused} refused by the quota" if refused else "")
    return format_html(
        '<g><title>{}</title><rect class="all" x="{}" y="0" width="{}" height="{}"/>'
        '<rect x="{}" y="{}" width="{}" height="{}"/><rect class="refused" x="{}" y="{}" width="{}" height="{}"/></g>',
        words, place * STEP, STEP - 1, HEIGHT,
        place * STEP, HEIGHT - height, STEP - 1, height, place * STEP, HEIGHT - height, STEP - 1, red,
    )  # fmt: skip
