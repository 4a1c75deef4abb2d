"""Who may see and steer training jobs: its user and the operator. Starting one takes a dataset that one sees."""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from apps.training.models import TrainingJob


def visible_to(user):
    """The jobs that `user` may see."""
    jobs = TrainingJob.objects.select_related("dataset", "dataset_version").defer("traceback")
    return jobs if user.is_superuser else jobs.filter(user_id=user.pk)


def get_job(user, pk):
    """The job, or Http404."""
    job = visible_to(user).filter(pk=pk).first()
    if job is None:
        raise Http404("No such training job.")
    return job


def may_steer(user, job):
    return user.is_superuser or job.user_id == user.pk


def get_job_to_steer(user, pk):
    """The job, to cancel, pause or resume; Http404 or PermissionDenied."""
    job = get_job(user, pk)
    if not may_steer(user, job):
        raise PermissionDenied("Only who started it can steer it.")
    return job
