"""Serializers of rows with figures that name the dataset version on which they were measured."""

from functools import reduce
from operator import getitem

from rest_framework import serializers

from apps.annotations.seen import figures_seen


class FiguresList(serializers.ListSerializer):
    """Many rows, for which is looked up once what may be named."""

    def to_representation(self, data):
        found = super().to_representation(data)
        _hide_names(self.context["request"].user, found, self.child.figures_at)
        return found


class WithFigures:
    """For a serializer with `request` in its context; `figures_at` is the way to the figures in what it makes."""

    figures_at = ()

    def to_representation(self, instance):
        found = super().to_representation(instance)
        if not isinstance(self.parent, FiguresList):  # which does it for all
            _hide_names(self.context["request"].user, [found], self.figures_at)
        return found


def _hide_names(user, rows, way):
    places = [reduce(getitem, way[:-1], row) for row in rows]
    shown = figures_seen(user, *(place[way[-1]] for place in places))
    for place, figures in zip(places, shown, strict=True):
        place[way[-1]] = figures
