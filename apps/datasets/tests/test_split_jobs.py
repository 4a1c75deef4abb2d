"""Leak-safe splits as a job: groups whole, sticky, the same again, killed and run again, taken back."""

import pytest
from django.core.files.storage import default_storage

from apps.core import work
from apps.core.jobs import run_job
from apps.core.models import Job
from apps.core.work import WorkCancelled
from apps.datasets import services
from apps.datasets.models import SPLITS, DatasetImage, DatasetReport
from apps.datasets.services import splits
from apps.datasets.services.moves import last_moves, make_moves, may_undo, moves_file, start_undo
from apps.datasets.services.splits import run_split, start_split


def fill(dataset, *names, **values):
    """Image rows with these names, as hashes too; no files."""
    rows = [
        DatasetImage(dataset=dataset, filename=name, sha256=name, num_bytes=1, width=9, height=9, **values)
        for name in names
    ]
    rows = DatasetImage.objects.bulk_create(rows)
    services.refresh_counts(dataset)
    return rows


def frames(video, count):
    return [f"{video}_frame_{n:04}.jpg" for n in range(count)]


def split_of(dataset):
    return dict(dataset.images.values_list("sha256", "split"))


def sides(dataset, prefix):
    return {split for name, split in split_of(dataset).items() if name.startswith(prefix)}


def split_job(dataset, run_jobs, **options):
    with run_jobs():
        job = start_split(dataset.owner, dataset, **{"train": 0.6, "val": 0.2, "test": 0.2, **options})
    job.refresh_from_db()
    assert job.status == "completed", job.traceback
    return job


@pytest.mark.parametrize("seed", range(4))
def test_frames_of_a_video_and_images_of_a_group_fall_on_one_side(seed, dataset, run_jobs):
    for video in "abcde":
        fill(dataset, *frames(video, 7))
    fill(dataset, "x1", "x2", "x3", group="patient 1")
    fill(dataset, *(f"single{n}" for n in range(40)))
    job = split_job(dataset, run_jobs, seed=seed)
    assert all(len(sides(dataset, prefix)) == 1 for prefix in ("a_", "b_", "c_", "d_", "e_", "x"))
    assert (job.result["groups"], job.result["largest_group"], job.result["in_groups"]) == (6, 7, 38)
    assert {split: job.result[split] for split in SPLITS} == {"train": 47, "val": 16, "test": 15}


def test_near_duplicates_fall_on_one_side(dataset, run_jobs):
    signature = bytes(range(16))
    for seed in range(6):
        dataset.images.all().delete()
        fill(dataset, "x1", "x2", "x3", signature=signature, brightness=9)
        fill(dataset, *(f"single{n}" for n in range(12)))
        split_job(dataset, run_jobs, seed=seed)
        assert len(sides(dataset, "x")) == 1


def test_without_a_rule_its_groups_part(dataset, run_jobs):
    fill(dataset, *frames("a", 60))
    split_job(dataset, run_jobs, keep_together=["near", "group", "time"])
    assert sides(dataset, "a_") == set(SPLITS)


def test_new_images_do_not_move_old_ones_and_join_their_source(dataset, run_jobs):
    for video in "abc":
        fill(dataset, *frames(video, 3))
    fill(dataset, *(f"single{n}" for n in range(20)))
    split_job(dataset, run_jobs)
    before = split_of(dataset)
    fill(dataset, *(f"a_frame_9{n}.jpg" for n in range(5)), *(f"new{n}" for n in range(30)))
    job = split_job(dataset, run_jobs, only_unassigned=True, seed=99)
    after = split_of(dataset)
    assert {name: after[name] for name in before} == before
    assert len(sides(dataset, "a_")) == 1
    assert "" not in after.values()
    assert job.result["moved"] == 35


def test_the_answer_has_each_class_before_and_after(dataset, run_jobs):
    rows = fill(dataset, *(f"h{n}" for n in range(10)))
    for image in rows:
        image.annotations.create(class_key=dataset.class_keys[1], x_center=0.5, y_center=0.5, width=1, height=1)
    job = split_job(dataset, run_jobs)
    assert job.result["classes"][0]["after"] == {"train": 0, "val": 0, "test": 0, "none": 0}
    assert job.result["classes"][1]["before"] == {"train": 0, "val": 0, "test": 0, "none": 10}
    assert job.result["classes"][1]["after"] == {"train": 6, "val": 2, "test": 2, "none": 0}
    assert job.result["before"] == {"train": 0, "val": 0, "test": 0, "none": 10}


def test_images_in_the_trash_are_left_out(dataset, run_jobs):
    rows = fill(dataset, *(f"h{n}" for n in range(10)))
    DatasetImage.objects.filter(pk=rows[0].pk).update(deleted_at="2024-01-01T00:00:00Z")
    split_job(dataset, run_jobs)
    assert DatasetImage.all_objects.get(pk=rows[0].pk).split == ""


def test_an_undo_puts_back_what_nobody_moved_since(dataset, run_jobs):
    rows = fill(dataset, *(f"h{n}" for n in range(10)))
    services.set_split(dataset, dataset.images.filter(pk__in=[row.pk for row in rows[:4]]), "test")
    before = split_of(dataset)
    job = split_job(dataset, run_jobs, only_unassigned=False)
    moved = dataset.images.get(pk=rows[9].pk)
    services.set_split(dataset, dataset.images.filter(pk=moved.pk), other := "val" if moved.split != "val" else "test")
    assert may_undo(last_moves(dataset))
    with run_jobs():
        undo = start_undo(dataset.owner, dataset, job)
    undo.refresh_from_db()
    assert undo.status == "completed", undo.traceback
    assert split_of(dataset) == {**before, "h9": other}
    assert not may_undo(last_moves(dataset))
    dataset.refresh_from_db()
    assert dataset.split_counts["test"] == list(split_of(dataset).values()).count("test")


def test_a_job_killed_before_its_moves_does_them_all_when_run_again(dataset, run_jobs, monkeypatch):
    fill(dataset, *(f"h{n}" for n in range(30)))

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("apps.datasets.services.moves.refresh_counts", killed)
        with pytest.raises(KeyboardInterrupt):
            split_job(dataset, run_jobs)
    assert set(split_of(dataset).values()) == {""}
    job = Job.objects.get()
    assert job.status == "running"
    with run_jobs():
        Job.objects.filter(pk=job.pk).update(status="pending", run_token="")
        run_job(job.pk, run_split)
    job.refresh_from_db()
    assert (job.status, job.result["moved"]) == ("completed", 30)
    assert "" not in split_of(dataset).values()


def test_a_job_killed_after_its_moves_tells_the_same_and_can_be_taken_back(dataset, run_jobs, monkeypatch):
    fill(dataset, *(f"h{n}" for n in range(30)))

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(splits, "keep_leaks", killed)
        with pytest.raises(KeyboardInterrupt):
            split_job(dataset, run_jobs, only_unassigned=True)
    after, job = split_of(dataset), Job.objects.get()
    assert "" not in after.values()
    Job.objects.filter(pk=job.pk).update(status="pending", run_token="")
    run_job(job.pk, run_split)
    job.refresh_from_db()
    assert (job.status, job.result["moved"], split_of(dataset)) == ("completed", 30, after)
    with run_jobs():
        start_undo(dataset.owner, dataset, job)
    assert set(split_of(dataset).values()) == {""}


def test_a_job_cancelled_before_its_last_step_moves_nothing(dataset):
    rows = fill(dataset, "h1", "h2")
    start_split(dataset.owner, dataset, train=1, val=0, test=0)
    job = work.claim(Job, Job.objects.get().pk)
    work.cancel(job)
    with pytest.raises(WorkCancelled):
        make_moves(dataset, [["", "train", [row.pk for row in rows]]], job, {})
    assert set(split_of(dataset).values()) == {""}


def test_only_what_the_newest_job_moved_is_kept(dataset, run_jobs):
    fill(dataset, "h1", "h2", "h3")
    first = split_job(dataset, run_jobs)
    second = split_job(dataset, run_jobs, seed=4, only_unassigned=False)
    assert not default_storage.exists(moves_file(dataset, first))
    assert default_storage.exists(moves_file(dataset, second))


def test_what_was_moved_goes_with_the_dataset(dataset, run_jobs, django_capture_on_commit_callbacks):
    fill(dataset, "h1", "h2")
    name = moves_file(dataset, split_job(dataset, run_jobs))
    assert default_storage.exists(name)
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_dataset(dataset)
    assert not default_storage.exists(name)


def test_a_split_keeps_what_still_leaks_and_leaves_the_duplicates_current(dataset, run_jobs):
    rows = fill(dataset, *frames("a", 4))
    services.set_split(dataset, dataset.images.filter(pk=rows[0].pk), "val")
    services.set_split(dataset, dataset.images.filter(pk=rows[1].pk), "train")
    services.keep_report(dataset, "duplicates", {}, dataset.updated_at)
    job = split_job(dataset, run_jobs, only_unassigned=True)
    dataset.refresh_from_db()
    reports = {report.kind: report for report in DatasetReport.objects.filter(dataset=dataset)}
    assert job.result["leaking_groups"] == reports["leaks"].data["num_groups"] == 1
    assert reports["leaks"].is_current
    assert reports["duplicates"].of == dataset.updated_at


def test_an_empty_dataset_and_one_that_is_gone_are_told_in_words(dataset, run_jobs):
    with run_jobs():
        empty = start_split(dataset.owner, dataset, train=1, val=0, test=0)
    with run_jobs():
        gone = start_split(dataset.owner, dataset, train=1, val=0, test=0)
        Job.objects.filter(pk=gone.pk).update(params={"dataset_id": 0, "options": {}})
    said = dict(Job.objects.values_list("pk", "error_message"))
    assert said == {empty.pk: "The dataset has no images.", gone.pk: "The dataset is gone."}


def test_one_job_at_a_time_moves_images_of_a_dataset(dataset, images, alice, api_as, page_as):
    api, wanted = api_as(alice), {"train": 0.5, "val": 0.5}
    path = f"/api/v1/datasets/{dataset.pk}"
    assert api.post(f"{path}/split", wanted).status_code == 202
    for call, body in (("split", wanted), ("leaks/mend", {})):
        answer = api.post(f"{path}/{call}", body)
        assert (answer.status_code, list(answer.json())) == (409, ["detail"])
    form = {"train": 50, "val": 50, "test": 0, "seed": 0}
    page = page_as(alice).post(f"/datasets/{dataset.pk}/split", form)
    assert (page.status_code, b"just now" in page.content) == (400, True)
    assert b"just now" in page_as(alice).post(f"/datasets/{dataset.pk}/health/leaks/mend", follow=True).content
    assert Job.objects.count() == 1


DOORS = [
    ("post", "/datasets/{}/split"), ("post", "/datasets/{}/splits/undo"),
    ("post", "/api/v1/datasets/{}/split"), ("post", "/api/v1/datasets/{}/split/undo"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_outsiders_find_no_split_and_readers_may_not_change_it(method, path, dataset, carol, bob, api_as, page_as):
    client = api_as if "/api/" in path else page_as
    address = path.format(dataset.pk)
    assert getattr(client(carol), method)(address).status_code == 404
    services.update_dataset(dataset, is_public=True)
    assert getattr(client(bob), method)(address).status_code == 403
    assert not Job.objects.exists()


def test_readers_see_the_splits_without_the_form(dataset, bob, carol, images, page_as):
    address = f"/datasets/{dataset.pk}/splits"
    assert page_as(carol).get(address).status_code == 404
    services.update_dataset(dataset, is_public=True)
    page = page_as(bob).get(address).content.decode()
    assert "Images by split" in page
    assert "Assign the splits" not in page


def test_there_is_nothing_to_take_back_at_first(dataset, alice, api_as, page_as):
    assert api_as(alice).post(f"/api/v1/datasets/{dataset.pk}/split/undo").status_code == 400
    page = page_as(alice).post(f"/datasets/{dataset.pk}/splits/undo", follow=True)
    assert b"nothing to take back" in page.content
