"""Deleting a training, by hand or with the person whose it is."""

from django.db import transaction
from django.db.models import Q

from apps.core import audit
from apps.core.leaving import named
from apps.training.models import TrainingJob
from apps.training.services import checkpoints
from apps.training.services.pictures import forget_pictures


@transaction.atomic
def delete_training(job, actor):
    """The row goes with its figures, log and pictures; the model that it made stays. One that runs stops.

    Its run folder goes by itself: each trainer deletes those of its machine that no row knows.
    """
    audit.record(actor, "deleted", job, job.team_id, owner=job.user.username, status=job.status)
    forget_pictures(job)
    pk = job.pk
    job.delete()
    transaction.on_commit(lambda: checkpoints.drop_of_nobody(pk), robust=True)


def own_trainings(user):
    """Those that are the person's own, not a team's."""
    return TrainingJob.objects.filter(user=user, team=None).select_related("user")


def trainings_against(user):
    """Why a person is not deleted while they train, or others on their datasets, as a list of sentences."""
    theirs = Q(user=user, team=None) | Q(dataset__owner=user, dataset__team=None)
    active = TrainingJob.objects.filter(theirs, status__in=TrainingJob.ACTIVE).order_by("pk")
    if not active:
        return []
    return [f"A training of theirs, or on a dataset of theirs, is under way ({named(active)}): wait, or cancel it."]
