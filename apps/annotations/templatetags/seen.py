"""Names that one may see, in templates."""

from django import template

from apps.annotations import seen as rules

register = template.Library()


@register.filter
def seen_by(row, user):
    """The dataset, or version, where `user` may see the dataset; else None."""
    return rules.seen(user, row)


@register.filter
def figures_for(figures, user):
    """What was measured, without the names of datasets that `user` may not see."""
    return rules.figures_seen(user, figures)[0] if figures else figures


@register.simple_tag
def hidden_dataset():
    """What is said in the place of a name that one may not see."""
    return rules.HIDDEN


@register.filter
def measured_on(figures):
    """What figures (see `figures_for`) were measured on: the version, or that it is deleted or not one's to see."""
    return rules.measured_on(figures)
