"""Icons are the package's, drawn once."""

import lucide as package
import pytest
from django.template import Context, Template, TemplateSyntaxError

from apps.core.templatetags.icons import drawn


def render(words):
    return Template("{% load lucide %}" + words).render(Context())


def test_an_icon_is_drawn_as_the_package_draws_it_and_only_once():
    drawn.cache_clear()
    twice = render('{% lucide "play" size=18 %}{% lucide "play" size=18 %}{% lucide "play" size=20 class="big" %}')
    small = package._render_icon("play", 18)
    assert twice == small + small + package._render_icon("play", 20, **{"class": "big"})
    assert drawn.cache_info().misses == 2


def test_an_icon_that_does_not_exist_says_so():
    with pytest.raises((package.IconDoesNotExist, TemplateSyntaxError)):
        render('{% lucide "no-such-icon" %}')
