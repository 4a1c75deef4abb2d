"""The one way to narrow a list of trainings: page and API share it."""

import django_filters
from django.db.models import F

from apps.datasets.filters import WholeNumberFilter
from apps.training.models import TrainingJob

GROUPS = {"active": TrainingJob.ACTIVE, "ended": TrainingJob.ENDED}
STATES = [
    ("active", "Waiting or running"), ("pending", "Waiting"), ("running", "Running"), ("paused", "Paused"),
    ("ended", "Ended"), ("completed", "Completed"), ("failed", "Failed"), ("cancelled", "Cancelled"),
]  # fmt: skip
ORDERS = {
    "newest": ("Newest first", ["-pk"]),
    "oldest": ("Oldest first", ["pk"]),
    "name": ("By name", ["name", "-pk"]),
    "best": ("Best mAP first", [F("best_map").desc(nulls_last=True), "-pk"]),
    "longest": ("Longest first", ["-training_time", "-pk"]),
}


class JobFilter(django_filters.FilterSet):
    """`?status=&dataset=&model_type=&team=&user=&search=&order=`; `status` is a state, or “active” or “ended”."""

    status = django_filters.ChoiceFilter(choices=STATES, method="by_status", empty_label="Any state")
    dataset = WholeNumberFilter(field_name="dataset_id", label="Its id")
    model_type = django_filters.CharFilter(label="The architecture")
    team = WholeNumberFilter(field_name="team_id", label="The id of a team")
    user = django_filters.CharFilter(field_name="user__username", label="The name of who started it")
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", label="Part of the name")
    order = django_filters.ChoiceFilter(
        choices=[(key, title) for key, (title, _) in ORDERS.items()], method="by_order", label="newest, without it"
    )

    class Meta:
        model = TrainingJob
        fields = []

    def by_status(self, queryset, name, value):
        return queryset.filter(status__in=GROUPS.get(value, [value]))

    def by_order(self, queryset, name, value):
        return queryset.order_by(*ORDERS[value][1])
