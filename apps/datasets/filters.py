"""The one way to narrow a dataset's images: gallery, workspace, API and bulk actions share it."""

import django_filters
from django import forms
from django_filters.utils import translate_validation

from apps.datasets.models import SPLITS, Dataset, DatasetImage


class YesOrNoField(forms.CharField):
    """true or false. Another word is refused, not passed over: a bulk deletion would take everything."""

    def to_python(self, value):
        word = super().to_python(value).lower()
        if word not in ("", "true", "false"):
            raise forms.ValidationError("Accepted: true, false.")
        return word == "true" if word else None


class YesOrNoFilter(django_filters.BooleanFilter):
    field_class = YesOrNoField


class ClassIdFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField


class ImageFilter(django_filters.FilterSet):
    """`?split=&labeled=&state=&class_id=&disagreement=&search=`; `split=none` asks for images without a split."""

    split = django_filters.ChoiceFilter(
        choices=[*((s, s) for s in SPLITS), ("none", "none")], method="by_split", empty_label="Any split"
    )
    labeled = YesOrNoFilter(field_name="is_labeled")
    state = django_filters.ChoiceFilter(choices=DatasetImage.State.choices, empty_label="Any state")
    class_id = ClassIdFilter(method="by_class")
    disagreement = YesOrNoFilter(method="by_disagreement", label="A model sees more than the labels")
    search = django_filters.CharFilter(field_name="filename", lookup_expr="icontains", label="File name")

    class Meta:
        model = DatasetImage
        fields = ["split", "labeled", "state", "class_id", "disagreement", "search"]

    def __init__(self, *args, dataset=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.dataset = dataset

    def by_split(self, queryset, name, value):
        return queryset.filter(split="" if value == "none" else value)

    def by_class(self, queryset, name, value):
        return queryset.filter(pk__in=DatasetImage.objects.filter(annotations__class_key=self._key(value)).values("pk"))

    def _key(self, class_id):
        keys = self.dataset.class_keys
        return keys[class_id] if 0 <= class_id < len(keys) else -1

    def by_disagreement(self, queryset, name, value):
        undecided = DatasetImage.objects.filter(suggestions__isnull=False).values("pk")
        return queryset.filter(pk__in=undecided) if value else queryset.exclude(pk__in=undecided)


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
    found = ImageFilter(query, queryset=dataset.images.all(), request=request, dataset=dataset)
    if not found.is_valid():
        raise translate_validation(found.errors)
    return found.qs
