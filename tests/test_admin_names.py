"""What the admin calls things is English: Django puts an “s” to a class's name, which is right for most only."""

import pytest
from django.contrib import admin

INITIALS = {"api", "id", "jwt", "totp", "url"}


def regular_plural(name):
    """The plural of an English noun by the rules of spelling; None for what they do not know."""
    if name.endswith(("ss", "x", "z", "ch", "sh")) and not name.endswith("och"):
        return f"{name}es"
    if name.endswith(("s", "ing", "ed", "traffic", "usage")):  # plural already, no noun, or not counted
        return None
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}s"


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=lambda model: model._meta.label))
def test_a_model_has_a_plural_that_is_english(model):
    one, many = str(model._meta.verbose_name), str(model._meta.verbose_name_plural)
    regular = regular_plural(one)
    if regular:
        assert many == regular, f"{model._meta.label}: set Meta.verbose_name_plural"
    else:  # somebody has to have thought of it
        assert many != f"{one}s", f"{model._meta.label}: set Meta.verbose_name_plural"
    assert not INITIALS & set(one.split()), f"{model._meta.label}: set Meta.verbose_name, in capitals"


@pytest.mark.parametrize(
    ("one", "many"),
    [("switch", "switches"), ("delivery", "deliveries"), ("key", "keys"), ("epoch", "epochs"), ("box", "boxes"),
     ("dataset image", "dataset images"), ("confirmed labels", None), ("capture waiting", None)],
)  # fmt: skip
def test_the_rules_of_spelling(one, many):
    assert regular_plural(one) == many
