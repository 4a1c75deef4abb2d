"""Who may see and steer training jobs: who started it, or of a team's its members and its admins."""

from django.http import Http404

from apps.core.access import Right, check, may, rows_held
from apps.datasets.access import get_dataset, may_train_on
from apps.training.models import TrainingJob


def visible_to(user):
    """The jobs that `user` may see."""
    jobs = TrainingJob.objects.select_related("dataset", "dataset_version", "team").defer("traceback")
    return rows_held(jobs, user, owner="user")


def get_job(user, pk):
    """The job, or Http404."""
    job = visible_to(user).filter(pk=pk).first()
    if job is None:
        raise Http404("No such training job.")
    return job


def may_steer(user, job):
    return may(user, Right.EDIT, job, owner="user")


def get_job_to_steer(user, pk):
    """The job, to cancel, pause or resume; Http404 or PermissionDenied."""
    job = get_job(user, pk)
    check(user, Right.EDIT, job, owner="user")
    return job


def get_dataset_to_train_on(user, pk):
    """The dataset; of a team's, its members train for the team, which takes the role of admin.

    Whoever else sees one, for it is public, trains for themselves (decision 008). Http404 or PermissionDenied.
    """
    dataset = get_dataset(user, pk)
    if not may_train_on(user, dataset):
        check(user, Right.EDIT, dataset)
    return dataset
