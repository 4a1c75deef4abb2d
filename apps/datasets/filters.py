"""The one way to narrow a dataset's images: gallery, workspace, API and bulk actions share it."""

import django_filters
from django import forms
from django.db.models import Exists, OuterRef, Q
from django_filters.utils import translate_validation

from apps.core.access import rows_held
from apps.datasets.models import SPLITS, Dataset, DatasetImage

MOST = 2**31 - 1


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

    def get_max_validator(self):
        return None  # a number that is no class's matches nothing


class WholeNumberFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField

    def __init__(self, *args, **kwargs):
        super().__init__(*args, min_value=0, max_value=MOST, **kwargs)

    def get_max_validator(self):
        return None  # the field says the bounds


class ImageFilter(django_filters.FilterSet):
    """Images by split, state, class (`class_id`: its position), boxes, size, source, tag, group and file name.

    `split=none` asks for images without a split, `inbox` for those that deployments captured and nobody has labelled;
    `size` is the shorter side in pixels.
    """

    split = django_filters.ChoiceFilter(
        choices=[*((s, s) for s in SPLITS), ("none", "none")], method="by_split", empty_label="Any split"
    )
    labeled = YesOrNoFilter(method="by_labeled")
    state = django_filters.ChoiceFilter(choices=DatasetImage.State.choices, empty_label="Any state")
    class_id = ClassIdFilter(method="by_class", label="With a box of this class")
    boxes_min = WholeNumberFilter(field_name="num_boxes", lookup_expr="gte", label="At least so many boxes")
    boxes_max = WholeNumberFilter(field_name="num_boxes", lookup_expr="lte", label="At most so many boxes")
    size_min = WholeNumberFilter(method="by_size_min", label="Shorter side, at least so many pixels")
    size_max = WholeNumberFilter(method="by_size_max", label="Shorter side, at most so many pixels")
    source = django_filters.CharFilter(label="“upload”, or the archive that it came in")
    tag = django_filters.CharFilter(method="by_tag", label="With this tag")
    group = django_filters.CharFilter(label="Of this group")
    disagreement = YesOrNoFilter(method="by_disagreement", label="A model sees more than the labels")
    inbox = YesOrNoFilter(method="by_inbox", label="Captured by a deployment, and nobody has labelled it yet")
    search = django_filters.CharFilter(field_name="filename", lookup_expr="icontains", label="File name")

    class Meta:
        model = DatasetImage
        fields = []

    def __init__(self, *args, dataset=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.dataset = dataset

    def by_split(self, queryset, name, value):
        return queryset.filter(split="" if value == "none" else value)

    def by_labeled(self, queryset, name, value):
        return queryset.filter(is_labeled__in=[value])  # SQLite takes no index for a bare truth value

    def by_class(self, queryset, name, value):
        keys = self.dataset.class_keys
        if not 0 <= value < len(keys):
            return queryset.none()
        # Asked for each image, by an index: among the labels of all datasets there may be many of this number.
        labels = _related("annotations").filter(image=OuterRef("pk"), class_key=keys[value])
        return queryset.filter(Exists(labels))

    def by_size_min(self, queryset, name, value):
        return queryset.filter(width__gte=value, height__gte=value)

    def by_size_max(self, queryset, name, value):
        return queryset.filter(Q(width__lte=value) | Q(height__lte=value))

    def by_tag(self, queryset, name, value):
        links = DatasetImage.tags.through.objects.filter(tag__dataset=self.dataset, tag__name=value)
        return queryset.filter(pk__in=links.values("datasetimage"))

    def by_disagreement(self, queryset, name, value):
        undecided = Exists(_related("suggestions").filter(image=OuterRef("pk")))
        return queryset.filter(undecided if value else ~undecided)

    def by_inbox(self, queryset, name, value):
        waiting = Q(Exists(_related("captured").filter(image=OuterRef("pk"))), is_labeled__in=[False])
        return queryset.filter(waiting if value else ~waiting)


def _related(name):
    """The rows that images have by this name: tables that belong to a floor above."""
    return DatasetImage._meta.get_field(name).related_model.objects.order_by()


class DatasetFilter(django_filters.FilterSet):
    """`?search=&owner=me&team=&is_public=`; `owner` is a name, “me”, or “us”: me and my teams."""

    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains")
    owner = django_filters.CharFilter(method="by_owner")
    team = WholeNumberFilter(field_name="team_id", label="The id of a team")

    class Meta:
        model = Dataset
        fields = ["search", "owner", "team", "is_public"]

    def by_owner(self, queryset, name, value):
        if value == "me":
            return queryset.filter(owner=self.request.user, team=None)
        if value == "us":
            return rows_held(queryset, self.request.user)
        return queryset.filter(owner__username=value)


def images_matching(dataset, query, request=None, images=None):
    """The dataset's images that match a query (a QueryDict or dict), in their order; raises ValidationError.

    `images`: those to choose from, where they are others than the present ones.
    """
    images = dataset.images.all() if images is None else images
    found = ImageFilter(query, queryset=images, request=request, dataset=dataset)
    if not found.is_valid():
        raise translate_validation(found.errors)
    return found.qs
