import pytest
from django.core.files.storage import default_storage
from django.db import connection

from apps.annotations.models import Annotation, DatasetVersion, Revision
from apps.annotations.services import restores as service
from apps.annotations.services.entries import version_entries
from apps.annotations.services.labels import save_labels
from apps.annotations.services.restores import RestoreRefused, start_restore
from apps.annotations.services.versions import create_version
from apps.core import work
from apps.core.models import Job
from apps.core.work import WorkHandedBack
from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage, Tag
from conftest import box, upload

from .test_comparisons import label


@pytest.fixture
def url(ready_dataset):
    return f"/api/v1/datasets/{ready_dataset.pk}/versions"


@pytest.fixture
def first(ready_dataset, alice):
    """Version 1, with a box that a model drew, a group and a tag."""
    label(ready_dataset, 5, box(1, confidence=0.25, source="model"))
    image = ready_dataset.images.order_by("pk")[4]
    image.tags.add(Tag.objects.create(dataset=ready_dataset, name="night"))
    DatasetImage.objects.filter(pk=image.pk).update(group="film 1", source="upload")
    return create_version(ready_dataset, alice)[0]


@pytest.fixture
def messed_up(first, ready_dataset, django_capture_on_commit_callbacks):
    """Everything that can change has changed; two images are deleted for good."""
    label(ready_dataset, 0, box(1), box(0, x=0.2))
    label(ready_dataset, 1)
    label(ready_dataset, 2, labeled=False)
    label(ready_dataset, 5)
    images = list(ready_dataset.images.order_by("pk"))
    datasets.set_split(ready_dataset, ready_dataset.images.filter(pk=images[3].pk), "")
    with django_capture_on_commit_callbacks(execute=True):
        DatasetImage.all_objects.filter(pk__in=[images[4].pk]).delete()
    datasets.add_images(ready_dataset, [upload("new.png", seed=77)])
    blue = datasets.add_class(ready_dataset, "blue")
    datasets.rename_class(ready_dataset, 0, "scarlet")
    datasets.reorder_classes(ready_dataset, [1, 2, 0])
    label(ready_dataset, 5, box(ready_dataset.place_of(2), x=0.7))
    assert blue == 2
    datasets.refresh_counts(ready_dataset)
    return ready_dataset


@pytest.fixture
def restore(run_jobs, alice, ready_dataset):
    """`restore(number)`: the job as it ended."""

    def run(number=1):
        with run_jobs():
            job = start_restore(alice, DatasetVersion.objects.get(dataset=ready_dataset, number=number))
        job.refresh_from_db()
        assert (job.status, job.error_message) == ("completed", "")
        ready_dataset.refresh_from_db()
        return job

    return run


def content(dataset):
    """What people see: `{filename: (split, labelled, boxes)}` with class names."""
    dataset.refresh_from_db()
    names = dict(zip(dataset.class_keys, dataset.class_names, strict=True))
    return {
        image.filename: (image.split, image.is_labeled, sorted(
            (names[row.class_key], row.x_center, row.width, row.confidence, row.source)
            for row in image.annotations.all()
        ))
        for image in dataset.images.prefetch_related("annotations")
    }  # fmt: skip


def test_everything_becomes_as_the_version_has_it(first, messed_up, restore):
    job = restore()
    assert job.result["exact"]
    assert job.result["words"] == "The dataset is as version 1 has it. To take this back, restore version 2."
    assert job.result["figures"] == {
        "to the trash": 1, "from the trash": 0, "from stored files": 1, "moved": 1, "relabelled": 5,
    }  # fmt: skip
    found = content(messed_up)
    assert set(found) == {f"{n}.png" for n in range(6)}
    assert found["0.png"] == ("train", True, [("red", 0.5, 0.2, None, "manual")])
    assert found["3.png"][0] == "train"
    assert found["5.png"] == ("val", True, [("white", 0.5, 0.2, 0.25, "model")])
    assert (messed_up.class_names, messed_up.class_keys) == (["red", "white"], [0, 1])
    counts = (messed_up.num_images, messed_up.num_labeled, messed_up.num_boxes, messed_up.num_trashed)
    assert counts == (6, 6, 6, 1)
    assert messed_up.split_counts == {"train": 4, "val": 2, "test": 0, "": 0}


def test_image_whose_row_is_gone_comes_back_from_its_stored_file(first, messed_up, restore, owner):
    restore()
    image = messed_up.images.get(filename="4.png")
    assert (image.group, image.source, list(image.tags.values_list("name", flat=True))) == (
        "film 1",
        "upload",
        ["night"],
    )
    assert image.in_version
    assert default_storage.exists(image.thumbnail.name)
    assert owner.get(f"/api/v1/datasets/{messed_up.pk}/images/{image.pk}").status_code == 200


def test_image_in_the_trash_comes_back_as_the_row_that_it_was(first, ready_dataset, restore, alice):
    image = ready_dataset.images.order_by("pk").first()
    DatasetImage.objects.filter(pk=image.pk).update(deleted_at=image.created_at, deleted_by=alice)
    datasets.refresh_counts(ready_dataset)
    job = restore()
    assert job.result["figures"]["from the trash"] == 1
    back = ready_dataset.images.get(pk=image.pk)
    assert (back.deleted_by, back.revisions.count()) == (None, 1)


def test_labels_come_back_as_a_new_revision_and_only_where_they_differ(first, messed_up, restore):
    untouched = messed_up.images.get(filename="3.png")
    kept_box = Annotation.objects.get(image__filename="0.png", x_center=0.2)
    restore()
    image = messed_up.images.get(filename="0.png")
    newest = image.revisions.first()
    assert (newest.kind, newest.number, newest.author.username) == ("restore", 3, "alice")
    assert (newest.added, newest.removed, newest.num_annotations) == (1, 2, 1)
    assert newest.annotations[0]["class_key"] == 0
    assert newest.annotations[0]["id"] == image.annotations.get().pk
    assert not Annotation.objects.filter(pk=kept_box.pk).exists()
    assert untouched.revisions.count() == 1


def test_box_that_stays_keeps_its_id(first, ready_dataset, restore):
    row = Annotation.objects.get(image__filename="0.png")
    label(ready_dataset, 0, box(id=row.pk), box(1, x=0.2))
    restore()
    assert Annotation.objects.get(image__filename="0.png").pk == row.pk


def test_restoring_what_was_there_before_takes_it_back(first, messed_up, restore):
    before = content(messed_up)
    job = restore()
    assert job.result["before"] == 2
    version = DatasetVersion.objects.get(number=2)
    assert version.note == "Before version 1 was restored"
    assert restore(2).result["exact"]
    assert content(messed_up) == before
    assert DatasetVersion.objects.count() == 2


def test_restoring_twice_changes_nothing(first, messed_up, restore):
    restore()
    revisions = Revision.objects.count()
    again = restore()
    assert set(again.result["figures"].values()) == {0}
    assert (again.result["exact"], again.result["before"]) == (True, 1)
    assert Revision.objects.count() == revisions


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_batches_of_any_size_do_the_same(first, messed_up, restore, monkeypatch, batch):
    monkeypatch.setattr(service, "BATCH", batch)
    assert restore().result["exact"]


def test_empty_version_puts_every_image_into_the_trash(dataset, alice, run_jobs):
    version, _ = create_version(dataset, alice)
    datasets.add_images(dataset, [upload(f"{n}.png", seed=n) for n in range(3)])
    with run_jobs():
        job = start_restore(alice, version)
    job.refresh_from_db()
    assert (job.result["figures"]["to the trash"], job.result["exact"]) == (3, True)
    assert not dataset.images.exists()


def test_class_of_the_same_name_but_another_number_is_not_in_the_way(first, ready_dataset, restore):
    datasets.set_classes(ready_dataset, ["Red"], [7])
    Annotation.objects.filter(class_key=0).update(class_key=7)
    assert restore().result["exact"]
    assert (ready_dataset.class_names, ready_dataset.class_keys) == (["red", "white"], [0, 1])


def test_labels_in_the_trash_wait_for_the_classes_of_the_day_they_come_back(first, messed_up, restore):
    new = messed_up.images.get(filename="new.png")
    new.dataset = messed_up
    messed_up.refresh_from_db()
    save_labels(new, new.revision, [box(messed_up.place_of(2)), box(messed_up.place_of(0))], messed_up.owner)
    assert restore().result["exact"]
    trashed = DatasetImage.all_objects.get(pk=new.pk)
    assert sorted(trashed.annotations.values_list("class_key", flat=True)) == [0, 2]
    assert restore(2).result["exact"]
    assert sorted(new.annotations.values_list("class_key", flat=True)) == [0, 2]


def test_class_that_people_use_while_it_runs_stays(first, messed_up, restore, monkeypatch):
    drop = service.Restore._drop_other_classes

    def label_meanwhile(self):
        image = messed_up.images.get(filename="0.png")
        image.dataset = messed_up
        messed_up.refresh_from_db()
        save_labels(image, image.revision, [box(messed_up.place_of(2))], messed_up.owner)
        drop(self)

    monkeypatch.setattr(service.Restore, "_drop_other_classes", label_meanwhile)
    job = restore()
    assert not job.result["exact"]
    assert messed_up.class_names == ["red", "white", "blue"]


def test_stored_file_that_is_lost_is_named_and_the_rest_comes_back(first, messed_up, restore):
    (lost,) = [entry for entry in version_entries(first) if entry["filename"] == "4.png"]
    default_storage.delete(lost["file"])
    job = restore()
    assert (job.result["exact"], job.result["num_problems"]) == (False, 1)
    assert job.result["problems"][0]["file"] == "4.png"
    assert "cannot be read" in job.result["problems"][0]["reason"]
    assert messed_up.images.count() == 5
    assert job.result["now"] == 3


# --- kills --------------------------------------------------------------------------------------------------
class Killed(BaseException):
    """What no code of the job may catch."""


STEPS = [
    "_set_classes", "_drop_other_classes", "_from_stored_files", "_bring_back", "_trash", "_set_splits", "_set_labels",
    "_write_labels",
]  # fmt: skip


@pytest.mark.parametrize("when", [1, 3])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_and_run_again_it_ends_right(first, messed_up, run_jobs, alice, monkeypatch, step, when):
    monkeypatch.setattr(service, "BATCH", 2)
    done, usual = [], getattr(service.Restore, step)

    def killed(self, *args, **more):
        answer = usual(self, *args, **more)
        done.append(step)
        if len(done) == when:
            raise Killed
        return answer

    monkeypatch.setattr(service.Restore, step, killed)
    before = content(messed_up)
    with run_jobs():
        job = start_restore(alice, first)
        monkeypatch.setattr("celery.current_app.send_task", lambda *args, **more: None)
    if (step, when) in (("_set_classes", 3), ("_drop_other_classes", 3)):
        return  # they are called less often in a run
    with pytest.raises(Killed):
        service.run_restore(claimed(job), lambda *said: None)
    monkeypatch.setattr(service.Restore, step, usual)
    result = service.run_restore(claimed(job), lambda *said: None)
    assert result["exact"]
    assert result["before"] == 2
    work.cancel(job)
    second = start_restore(alice, DatasetVersion.objects.get(number=2))
    assert service.run_restore(claimed(second), lambda *said: None)["exact"]
    assert content(messed_up) == before


def claimed(job):
    Job.objects.filter(pk=job.pk).update(status="pending")
    return work.claim(Job, job.pk)


def test_what_people_change_between_a_kill_and_the_next_run_is_kept(first, messed_up, run_jobs, alice, monkeypatch):
    monkeypatch.setattr(service, "BATCH", 2)
    calls = []

    def stopped(*said):
        calls.append(said)
        if len(calls) == 3:
            raise WorkHandedBack

    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **more: None)
    job = start_restore(alice, first)
    with pytest.raises(WorkHandedBack):
        service.run_restore(claimed(job), stopped)
    changed = messed_up.images.get(filename="3.png")
    changed.dataset = messed_up
    messed_up.refresh_from_db()
    save_labels(changed, changed.revision, [box(0, x=0.123)], alice)
    result = service.run_restore(claimed(job), lambda *said: None)
    assert (result["exact"], result["before"]) == (True, 2)
    kept = DatasetVersion.objects.get(number=3)
    assert [row[1] for entry in version_entries(kept) for row in entry["boxes"] if row[1] == 0.123] == [0.123]


# --- doors --------------------------------------------------------------------------------------------------
def test_api_restores(owner, url, first, messed_up, run_jobs):
    with run_jobs():
        answer = owner.post(f"{url}/1/restore")
    assert answer.status_code == 202
    job = owner.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    assert (job["status"], job["result"]["exact"]) == ("completed", True)


def test_only_one_restore_at_a_time(owner, page_as, alice, url, first, ready_dataset):
    assert owner.post(f"{url}/1/restore").status_code == 202
    again = owner.post(f"{url}/1/restore")
    assert again.status_code == 409
    assert "already" in again.json()["detail"]
    with pytest.raises(RestoreRefused):
        start_restore(alice, first)
    page = page_as(alice).post(f"/datasets/{ready_dataset.pk}/versions/1/restore", follow=True)
    assert "being restored already" in page.content.decode()


def test_reader_may_not_restore_and_outsider_finds_nothing(api_as, page_as, bob, carol, url, first, ready_dataset):
    page = f"/datasets/{ready_dataset.pk}/versions/1/restore"
    assert (api_as(carol).post(f"{url}/1/restore").status_code, page_as(carol).get(page).status_code) == (404, 404)
    datasets.update_dataset(ready_dataset, is_public=True)
    assert api_as(bob).post(f"{url}/1/restore").status_code == 403
    assert (page_as(bob).get(page).status_code, page_as(bob).post(page).status_code) == (403, 403)
    assert api_as().post(f"{url}/1/restore").status_code == 401
    assert not Job.objects.exists()


def test_page_says_in_numbers_what_will_happen_and_does_it(page_as, alice, first, messed_up, run_jobs):
    browser, page = page_as(alice), f"/datasets/{messed_up.pk}/versions/1/restore"
    words = " ".join(browser.get(page).content.decode().replace("<b>", "").replace("</b>", "").split())
    for said in (
        "1 image that is not in it goes to the trash", "1 image that is gone comes back",
        "1 image goes back to the split that it was in", "4 images get the labels that they had",
        "The class “blue” goes", "The class “scarlet” is called “red” again",
    ):  # fmt: skip
        assert said in words, said
    with run_jobs():
        answer = browser.post(page)
    assert "The dataset is as version 1 has it." in browser.get(answer["Location"]).content.decode()
    assert "nothing to restore" in browser.get(page).content.decode()


def test_page_of_a_large_dataset_leads_to_the_comparison(page_as, alice, first, messed_up, run_jobs, monkeypatch):
    monkeypatch.setattr("apps.annotations.services.comparisons.AT_ONCE", 2)
    browser, page = page_as(alice), f"/datasets/{messed_up.pk}/versions/1/restore"
    with run_jobs():
        assert "See how far it is" in browser.get(page).content.decode()
    assert "comes back" in browser.get(page).content.decode()


def test_work_on_a_version_takes_the_same_number_of_queries_for_one_image_and_for_many(alice, run_jobs, monkeypatch):
    from django.test.utils import CaptureQueriesContext

    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **more: None)

    def cost(images):
        dataset = datasets.create_dataset(alice, "D", class_names=["red"])
        for image in datasets.add_images(dataset, [upload(f"{n}.png", seed=n) for n in range(images)])["created"]:
            image.dataset = dataset
            save_labels(image, 0, [box()], alice)
        version, _ = create_version(dataset, alice)
        for place in range(images):
            label(dataset, place, box(x=0.3))
        job = start_restore(alice, version)
        claimed_job = claimed(job)
        with CaptureQueriesContext(connection) as queries:
            assert service.run_restore(claimed_job, lambda *said: None)["exact"]
        return len(queries)

    assert cost(2) == cost(20)
