"""Who may: the small base of the access rules of all apps.

A row that a person may not see does not exist for them (404); one they see but may not change is refused (403).
"""

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.core.models import Job


def owned_or_public(queryset, user, owner="owner", public="is_public"):
    """The rows that `user` owns, plus the public ones; everything for an operator, public ones for nobody."""
    if user.is_superuser:
        return queryset
    mine = Q(**{owner: user}) if user.is_authenticated else Q()
    seen = mine | Q(**{public: True}) if mine else Q(**{public: True})
    return queryset.filter(seen)


def may_change(user, row):
    """Whether `user` may change a row that has an owner."""
    return user.is_superuser or row.owner_id == user.pk


def get_to_edit(visible, user, pk):
    """The row `pk` of the visible ones: Http404 for who may not see it, PermissionDenied for who may not change it."""
    row = get_object_or_404(visible, pk=pk)
    if not may_change(user, row):
        raise PermissionDenied("You can see this, but only its owner can change it.")
    return row


def jobs_visible_to(user):
    """A job is its owner's and the operator's."""
    return Job.objects.all() if user.is_superuser else Job.objects.filter(owner_id=user.pk)


def get_job(user, pk):
    """The job, or Http404."""
    job = jobs_visible_to(user).filter(pk=pk).first()
    if job is None:
        raise Http404("No such job.")
    return job
