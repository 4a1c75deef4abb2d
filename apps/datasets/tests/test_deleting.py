"""Deleting: rows first, files after the commit and in the end always; a file that something needs stays."""

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from apps.datasets import services
from apps.datasets.models import Dataset, DatasetImage, PendingDeletion
from apps.datasets.tasks import delete_pending_files
from conftest import stored_files, upload


@pytest.fixture(autouse=True)
def folder_of_its_own(settings, tmp_path):
    """Ids start again in every test, and with them the names of stored files."""
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """`with committed():` what waits for the commit runs at its end."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def files_of(dataset):
    """Names of the stored files under the dataset's folder."""
    return stored_files(f"datasets/{dataset.pk}")


def names_of(image):
    return {name.removeprefix(f"datasets/{image.dataset_id}/") for name in (image.file.name, image.thumbnail.name)}


def test_deleted_dataset_takes_rows_and_files_with_it(dataset, images, committed):
    services.add_images(dataset, [upload("a.tif", format="TIFF")])
    assert len(files_of(dataset)) == 15
    pk = dataset.pk
    with committed():
        services.delete_dataset(dataset)
    assert not Dataset.objects.exists()
    assert not DatasetImage.objects.exists()
    assert not default_storage.exists(f"datasets/{pk}")
    assert not PendingDeletion.objects.exists()


def test_deleted_image_takes_its_own_files_only(dataset, images, committed):
    with committed():
        assert services.purge_images(dataset, dataset.images.filter(pk=images[0].pk)) == 1
    assert files_of(dataset) == set().union(*(names_of(image) for image in images[1:]))
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.cover) == (5, [image.pk for image in images[1:5]])


def test_files_stay_where_the_deletion_is_taken_back(dataset, images, committed):
    with committed(), transaction.atomic():
        services.purge_images(dataset, dataset.images.all())
        transaction.set_rollback(True)
    assert dataset.images.count() == 6
    assert len(files_of(dataset)) == 12


def test_files_that_a_kill_left_are_deleted_by_the_sweep(dataset, images):
    services.purge_images(dataset, dataset.images.all())  # the process dies before its callbacks run
    assert len(files_of(dataset)) == 12
    delete_pending_files()
    assert files_of(dataset) == set()
    assert not PendingDeletion.objects.exists()
    assert services.delete_pending_files() == 0


def test_file_that_cannot_be_deleted_waits_and_holds_up_no_other(dataset, images, monkeypatch):
    stuck = images[0].thumbnail.name
    real = default_storage.delete
    services.purge_images(dataset, dataset.images.all())

    def delete(name):
        if name == stuck:
            raise PermissionError("read-only")
        real(name)

    monkeypatch.setattr(default_storage, "delete", delete)
    services.delete_pending_files()
    assert [row.name for row in PendingDeletion.objects.all()] == [stuck]
    monkeypatch.undo()
    assert services.delete_pending_files() == 1
    assert files_of(dataset) == set()


def test_folder_that_is_gone_already_is_no_problem(dataset):
    services.delete_dataset(dataset)
    assert services.delete_pending_files() == 1


def test_image_uploaded_again_after_a_kill_keeps_its_files(dataset):
    """The note to delete its files is still there when the same bytes come back."""
    services.add_images(dataset, [upload(seed=1)])
    services.purge_images(dataset, dataset.images.all())
    image = services.add_images(dataset, [upload(seed=1)])["created"][0]
    services.delete_pending_files()
    assert names_of(image) <= files_of(dataset)


@pytest.fixture
def versioned(trained_model):
    """Alice's dataset whose six images are in a version."""
    return Dataset.objects.get()


def test_image_in_a_version_leaves_its_file_there(versioned, committed):
    image = versioned.images.first()
    with committed():
        services.purge_images(versioned, versioned.images.filter(pk=image.pk))
    assert default_storage.exists(image.file.name)
    assert not default_storage.exists(image.thumbnail.name)


def test_image_in_a_version_that_comes_back_has_its_thumbnail_and_still_leaves_its_file(versioned, committed):
    data = versioned.images.first().file.read()
    for _ in range(2):
        with committed():
            image = versioned.images.get(filename="0.png")
            services.purge_images(versioned, versioned.images.filter(pk=image.pk))
        assert default_storage.exists(image.file.name)
        again = services.add_images(versioned, [upload("0.png", data)])["created"][0]
        assert default_storage.exists(again.thumbnail.name)


def test_deleting_on_the_page_and_over_the_api_leads_to_the_trash_and_keeps_the_files(
    dataset, images, page_as, api_as, committed
):
    with committed():
        page = page_as(dataset.owner).post(f"/datasets/{dataset.pk}/images/{images[0].pk}/delete")
        api = api_as(dataset.owner).delete(f"/api/v1/datasets/{dataset.pk}/images/{images[1].pk}")
    assert (page.status_code, api.status_code) == (302, 204)
    assert [image.pk for image in dataset.images.all()] == [image.pk for image in images[2:]]
    assert [image.deleted_by for image in services.trashed_images(dataset)] == [dataset.owner, dataset.owner]
    assert len(files_of(dataset)) == 12


def test_counts_follow_what_comes_and_goes(ready_dataset, committed):
    dataset = ready_dataset
    assert (dataset.num_images, dataset.num_labeled) == (6, 6)
    services.add_images(dataset, [upload(seed=50), upload(seed=51)])
    assert (dataset.num_images, dataset.num_labeled) == (8, 6)
    services.purge_images(dataset, dataset.images.filter(split="val"))
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.num_labeled) == (6, 4)
    assert dataset.num_images == dataset.images.count()
    assert dataset.num_labeled == dataset.images.filter(is_labeled=True).count()
