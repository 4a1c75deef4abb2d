"""Which models a list shows."""

import django_filters
from django.db.models import Q

from apps.datasets.access import visible_to as datasets_visible_to
from apps.datasets.filters import WholeNumberFilter
from apps.models.models import ModelTag, TrainedModel

ALL = "all"
STAGES = [*TrainedModel.Stage.choices, (ALL, "Archived too")]
MOST_OFFERED = 200


def _datasets(request):
    return datasets_visible_to(request.user)


class ModelFilter(django_filters.FilterSet):
    """`?search=&stage=&tag=&dataset=&origin=&team=&deployed=&is_public=`; archived models only where asked for."""

    search = django_filters.CharFilter(method="with_words", help_text="In name, notes and architecture.")
    stage = django_filters.ChoiceFilter(
        choices=STAGES, method="of_stage", help_text="Without it all but archived ones; `all` is every one."
    )
    tag = django_filters.CharFilter(method="with_tag")
    dataset = django_filters.ModelChoiceFilter(field_name="dataset_version__dataset", queryset=_datasets)
    team = WholeNumberFilter(field_name="team_id", label="The id of a team")
    deployed = django_filters.BooleanFilter(field_name="is_deployed")

    class Meta:
        model = TrainedModel
        fields = ["search", "stage", "tag", "dataset", "origin", "line", "team", "deployed", "is_public"]

    def filter_queryset(self, queryset):
        if not self.form.cleaned_data.get("stage"):
            queryset = queryset.exclude(stage=TrainedModel.Stage.ARCHIVED)
        return super().filter_queryset(queryset)

    def with_words(self, queryset, name, value):
        return queryset.filter(
            Q(line__name__icontains=value) | Q(description__icontains=value) | Q(model_type__icontains=value)
        )

    def of_stage(self, queryset, name, value):
        return queryset if value == ALL else queryset.filter(stage=value)

    def with_tag(self, queryset, name, value):
        return queryset.filter(tags__name=" ".join(value.split()).lower())


def offered(user, models):
    """What the filters of a person's list offer: the datasets and tags that occur among `models`."""
    datasets = datasets_visible_to(user).filter(versions__models__in=models).distinct().order_by("name")
    tags = ModelTag.objects.filter(model__in=models).values_list("name", flat=True).distinct().order_by("name")
    return {
        "datasets": datasets.values_list("pk", "name")[:MOST_OFFERED], "tags": tags[:MOST_OFFERED], "stages": STAGES,
        "origins": TrainedModel.Origin.choices,
    }  # fmt: skip
