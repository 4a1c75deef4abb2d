"""Rows in pieces: all of them once, and whoever goes through them may write while others do."""

import threading

import pytest
from django.db import connection

from apps.core.models import Job
from apps.core.pieces import by_pk


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_every_row_comes_once_in_order(alice, size):
    pks = [Job.objects.create(owner=alice, kind=kind).pk for kind in "bacde"]
    assert [row.pk for row in by_pk(Job.objects.order_by("kind"), size)] == pks
    assert [row.kind for row in by_pk(Job.objects.filter(kind__in="ad"), size)] == ["a", "d"]
    assert list(by_pk(Job.objects.filter(kind="z"), size)) == []


@pytest.mark.usefixtures("threads_database")
def test_whoever_goes_through_them_may_write_after_another_has(alice):
    jobs = Job.objects.bulk_create([Job(owner=alice, kind="x") for _ in range(6)])

    def another_process():
        Job.objects.filter(pk=jobs[-1].pk).update(message="written by another")
        connection.close()

    for job in by_pk(Job.objects, 2):
        thread = threading.Thread(target=another_process)
        thread.start()
        thread.join()
        Job.objects.filter(pk=job.pk).update(progress=0.5)
    assert set(Job.objects.values_list("progress", flat=True)) == {0.5}
