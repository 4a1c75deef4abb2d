"""How far the labelling of a dataset is, by state and by person; and how many revisions are kept."""

from collections import defaultdict

from django.conf import settings
from django.db.models import Count, F

from apps.annotations.models import Revision
from apps.datasets.models import DatasetImage

LEAST_REVISIONS_KEPT = 20


def who_labelled(dataset):
    """`{states: [(state, images)], people: [(username, {state: images}, all)]}`.

    A person's images are those whose newest revision is theirs.
    """
    images = DatasetImage.objects.filter(dataset=dataset).order_by()
    states = dict(images.values_list("state").annotate(Count("pk")))
    newest = Revision.objects.filter(image__dataset=dataset, number=F("image__revision")).order_by()
    people = defaultdict(dict)
    for name, state, count in newest.values_list("author__username", "image__state").annotate(Count("pk")):
        people[name or "someone who left"][state] = count
    rows = [(name, counts, sum(counts.values())) for name, counts in people.items()]
    return {
        "states": [(state, states.get(state, 0)) for state in DatasetImage.State.values],
        "people": sorted(rows, key=lambda row: -row[2]),
    }


def prune_old_revisions():
    """Delete the oldest revisions of each image beyond REVISIONS_KEPT (never fewer than 20); returns how many."""
    if not settings.REVISIONS_KEPT:
        return 0
    kept = max(settings.REVISIONS_KEPT, LEAST_REVISIONS_KEPT)
    old = Revision.objects.filter(number__lte=F("image__revision") - kept)
    return Revision.objects.filter(pk__in=old.order_by().values("pk")[:50_000]).delete()[0]
