"""Lists cost the same number of queries for one row and for fifty."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.core.models import Job
from apps.datasets.models import Dataset, DatasetImage


def fill(alice, bob, number):
    Dataset.objects.bulk_create(Dataset(owner=bob, name=f"{n}", is_public=True, cover=[1]) for n in range(number))
    DatasetImage.objects.bulk_create(
        DatasetImage(
            dataset=Dataset.objects.order_by("pk")[0], filename=f"{number}-{n}", sha256=f"{number}-{n}", num_bytes=1,
            width=1, height=1, file="a.png", thumbnail="a.jpg",
        )
        for n in range(number)
    )  # fmt: skip
    Job.objects.bulk_create(Job(owner=alice, kind="export", task="x") for _ in range(number))


@pytest.mark.parametrize(
    "path",
    [
        "/datasets/", "/datasets/recent", "/datasets/{d}/", "/jobs/recent", "/api/v1/datasets?page_size=100",
        "/api/v1/datasets/{d}/images?page_size=100", "/api/v1/datasets/{d}/images?cursor=&page_size=100",
        "/api/v1/jobs?page_size=100",
    ],
)  # fmt: skip
def test_list_costs_the_same_for_one_row_and_for_fifty(path, alice, bob, page_as):
    browser, counts = page_as(alice), []
    for number in (1, 49):
        fill(alice, bob, number)
        address = path.format(d=Dataset.objects.order_by("pk")[0].pk)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = browser.get(address)
        assert response.status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
