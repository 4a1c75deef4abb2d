"""The one way to narrow a dataset's images: gallery, workspace, API and bulk actions share it."""

import django_filters
from django_filters.utils import translate_validation

from apps.datasets.models import SPLITS, Dataset, DatasetImage


class ImageFilter(django_filters.FilterSet):
    """`?split=&labeled=&state=&class_id=&search=`; `split=none` asks for images without a split."""

    split = django_filters.ChoiceFilter(
        choices=[*((s, s) for s in SPLITS), ("none", "none")], method="by_split", empty_label="Any split"
    )
    labeled = django_filters.BooleanFilter(field_name="is_labeled")
    state = django_filters.ChoiceFilter(choices=DatasetImage.State.choices, empty_label="Any state")
    class_id = django_filters.NumberFilter(method="by_class")
    search = django_filters.CharFilter(field_name="filename", lookup_expr="icontains", label="File name")

    class Meta:
        model = DatasetImage
        fields = ["split", "labeled", "state", "class_id", "search"]

    def by_split(self, queryset, name, value):
        return queryset.filter(split="" if value == "none" else value)

    def by_class(self, queryset, name, value):
        return queryset.filter(annotations__class_id=int(value)).distinct()


class DatasetFilter(django_filters.FilterSet):
    """`?search=&owner=me&is_public=`"""

    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains")
    owner = django_filters.CharFilter(method="by_owner")

    class Meta:
        model = Dataset
        fields = ["search", "owner", "is_public"]

    def by_owner(self, queryset, name, value):
        if value == "me":
            return queryset.filter(owner=self.request.user)
        return queryset.filter(owner__username=value)


def images_matching(dataset, query, request=None):
    """The dataset's images that match a query (a QueryDict or dict), in their order; raises ValidationError."""
    found = ImageFilter(query, queryset=dataset.images.all(), request=request)
    if not found.is_valid():
        raise translate_validation(found.errors)
    return found.qs
