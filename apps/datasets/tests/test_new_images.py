"""An image's way in: whatever is killed between the steps, no file stays without a row and no row without a file."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.datasets import services
from apps.datasets.models import DatasetImage, PendingDeletion
from apps.datasets.services import new_images
from conftest import picture, stored_files, upload


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def new(dataset):
    """A checked image, nothing of it stored."""
    return services.check_new_image(dataset, "a.png", picture(seed=1))


def hours_later(hours=2):
    """What the sweep does then."""
    PendingDeletion.objects.update(due_at=timezone.now() + timedelta(hours=1 - hours))
    return services.delete_pending_files()


def test_checking_stores_nothing_and_knows_what_the_picture_looks_like(new):
    assert not stored_files()
    assert (len(new.row.signature), new.row.brightness) == (16, 127)


def test_files_are_noted_before_they_are_stored_and_the_notes_go_with_the_row(dataset, new):
    services.store_images([new])
    assert set(PendingDeletion.objects.values_list("name", flat=True)) == stored_files() == set(new.files)
    assert services.delete_pending_files() == 0  # not due for an hour
    services.insert_rows(dataset, [new.row])
    assert PendingDeletion.objects.count() == 0
    hours_later()
    assert stored_files() == set(new.files)


def test_files_of_a_killed_upload_go_after_an_hour(new):
    services.store_images([new])
    hours_later()
    assert not stored_files()
    assert PendingDeletion.objects.count() == 0


def test_kill_while_files_are_stored_leaves_nothing_after_an_hour(new, monkeypatch):
    class Killed(BaseException):
        pass

    store, calls = new_images._store, []

    def kill(name, data):
        calls.append(name)
        if len(calls) == 2:
            raise Killed
        store(name, data)

    monkeypatch.setattr(new_images, "_store", kill)
    with pytest.raises(Killed):
        services.store_images([new])
    assert len(stored_files()) == 1
    hours_later()
    assert not stored_files()


def test_second_run_after_a_kill_keeps_the_files_even_where_the_note_was_about_to_fall_due(dataset, new):
    services.store_images([new])
    PendingDeletion.objects.update(due_at=timezone.now())
    again = services.check_new_image(dataset, "a.png", picture(seed=1))
    services.store_images([again])
    assert services.delete_pending_files() == 0
    inserted, _ = services.insert_rows(dataset, [again.row])
    hours_later()
    assert stored_files() == set(new.files)
    assert not inserted[0].in_version  # the file is this row's own and goes with it
    services.purge_images(dataset, DatasetImage.objects.all())
    services.delete_pending_files()
    assert not stored_files()


def test_note_of_a_killed_twin_never_takes_the_files_of_a_row(dataset, new):
    """Another upload of the same bytes noted them, and was killed after this one had its row."""
    services.store_images([new])
    services.insert_rows(dataset, [new.row])
    PendingDeletion.objects.bulk_create(PendingDeletion(name=name) for name in new.files)
    assert hours_later() == 2
    assert stored_files() == set(new.files)
    assert PendingDeletion.objects.count() == 0


def test_bytes_whose_first_row_is_in_the_trash_share_its_files(dataset, new):
    (old,) = services.add_images(dataset, [upload("a.png", picture(seed=1))])["created"]
    DatasetImage.objects.filter(pk=old.pk).update(deleted_at=timezone.now())
    (fresh,) = services.add_images(dataset, [upload("b.png", picture(seed=1))])["created"]
    assert fresh.file.name == old.file.name
    assert not fresh.in_version
    services.purge_images(dataset, DatasetImage.objects.all())
    services.delete_pending_files()
    assert default_storage.exists(old.file.name)  # the trash still has it


def test_file_that_only_a_version_has_stays_when_the_row_that_reuses_it_goes(dataset, new):
    services.add_images(dataset, [upload("a.png", picture(seed=1))])
    DatasetImage.objects.update(in_version=True)
    services.purge_images(dataset, DatasetImage.objects.all())
    services.delete_pending_files()
    (back,) = services.add_images(dataset, [upload("a.png", picture(seed=1))])["created"]
    assert back.in_version
    services.purge_images(dataset, DatasetImage.objects.all())
    services.delete_pending_files()
    assert default_storage.exists(new.row.file.name)


def test_counts_are_added_to_and_agree_with_counting(dataset, images):
    services.add_to_counts(dataset, images=2, labeled=1, boxes=5, splits={"train": 2, "": -1})
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.num_labeled, dataset.num_boxes) == (8, 1, 5)
    assert dataset.split_counts == {"train": 2, "val": 0, "test": 0, "": 5}
