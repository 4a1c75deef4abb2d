"""`{% lucide "play" size=18 %}` as the package draws it, each drawing kept: a list of eighty rows has hundreds of them.

The settings give it the package's name; the package itself is not an installed app.
"""

from functools import lru_cache

from django import template
from lucide.templatetags import lucide as package

register = template.Library()
drawn = lru_cache(512)(package.lucide)


@register.simple_tag
def lucide(name, *, size=24, **attributes):
    """An icon inline; raises lucide.IconDoesNotExist."""
    return drawn(name, size=size, **attributes)
