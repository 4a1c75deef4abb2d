"""Splits: fractions honoured within one image, the same seed the same split, classes spread evenly."""

import random
import re
from collections import Counter

import pytest

from apps.datasets import services
from apps.datasets.models import SPLITS, DatasetImage


def fill(dataset, hashes):
    """Image rows with these hashes, in this order; no files."""
    rows = [DatasetImage(dataset=dataset, filename=h, sha256=h, num_bytes=1, width=9, height=9) for h in hashes]
    return DatasetImage.objects.bulk_create(rows)


def label(image, *class_ids):
    for class_id in class_ids:
        image.annotations.create(class_key=class_id, x_center=0.5, y_center=0.5, width=1, height=1)


def split_of(dataset):
    return dict(dataset.images.values_list("sha256", "split"))


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("number", [0, 1, 2, 3, 10, 97])
@pytest.mark.parametrize("fractions", [(0.7, 0.2, 0.1), (0.8, 0.2, 0), (1, 0, 0), (0, 0, 1), (1 / 3, 1 / 3, 1 / 3)])
def test_fractions_are_honoured_within_one_image(fractions, number, stratify, dataset):
    for n, image in enumerate(fill(dataset, [f"h{n}" for n in range(number)])):
        label(image, *{n % 3, n % 7} - {0})
    found = services.assign_splits(dataset, *fractions, seed=3, stratify=stratify)
    counts = {split: found[split] for split in SPLITS}
    assert sum(counts.values()) == number
    assert counts == {split: dataset.split_counts[split] for split in SPLITS}
    for split, fraction in zip(SPLITS, fractions, strict=True):
        assert abs(counts[split] - fraction * number) <= 1
        assert counts[split] == 0 or fraction > 0


def test_same_seed_gives_the_same_split_whatever_the_order(dataset, alice):
    hashes = [f"h{n}" for n in range(60)]
    other = services.create_dataset(alice, "Other")
    mixed = random.Random(1).sample(hashes, 60)
    for place, order in ((dataset, hashes), (other, mixed)):
        for image in fill(place, order):
            label(image, int(image.sha256[1:]) % 4)
        services.assign_splits(place, 0.6, 0.2, 0.2, seed=5)
    assert split_of(dataset) == split_of(other)
    services.assign_splits(other, 0.6, 0.2, 0.2, seed=6)
    assert split_of(dataset) != split_of(other)


def test_again_with_the_same_seed_moves_nothing(dataset):
    fill(dataset, [f"h{n}" for n in range(30)])
    services.assign_splits(dataset, 0.5, 0.5, 0, seed=9)
    before = split_of(dataset)
    services.assign_splits(dataset, 0.5, 0.5, 0, seed=9)
    assert split_of(dataset) == before


def test_stratified_split_spreads_a_rare_class(dataset):
    rows = fill(dataset, [f"h{n}" for n in range(200)])
    for n, image in enumerate(rows):
        label(image, 0, *([1] if n % 20 == 0 else []))  # class 1 on 10 of 200
    services.assign_splits(dataset, 0.5, 0.3, 0.2, seed=1)
    rare = Counter(dataset.images.filter(annotations__class_key=1).values_list("split", flat=True))
    assert rare == {"train": 5, "val": 3, "test": 2}


def test_only_unassigned_leaves_the_others_where_they_are(dataset):
    fill(dataset, [f"h{n}" for n in range(20)])
    kept = dataset.images.filter(sha256__in=[f"h{n}" for n in range(5)])
    kept.update(split="test")
    found = services.assign_splits(dataset, 0.8, 0.2, 0, only_unassigned=True)
    assert {split: found[split] for split in SPLITS} == {"train": 12, "val": 3, "test": 5}
    assert set(kept.values_list("split", flat=True)) == {"test"}


def test_other_datasets_are_left_alone(dataset, alice):
    other = services.create_dataset(alice, "Other")
    fill(dataset, ["h1"])
    fill(other, ["h1"])
    services.assign_splits(dataset, 1, 0, 0)
    assert split_of(other) == {"h1": ""}


def test_split_over_the_api_is_a_job_that_tells_the_counts(dataset, images, api_as, run_jobs):
    api = api_as(dataset.owner)
    with run_jobs():
        response = api.post(
            f"/api/v1/datasets/{dataset.pk}/split", {"train": 0.5, "val": 0.5, "keep_together": []}, "json"
        )
    assert response.status_code == 202
    job = api.get(f"/api/v1/jobs/{response.json()['id']}").json()
    assert job["status"] == "completed", job
    assert {split: job["result"][split] for split in SPLITS} == {"train": 3, "val": 3, "test": 0}
    assert job["result"]["moved"] == 6


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"train": 0.7}, "detail"), ({"test": 0.2}, "detail"), ({"train": 1.5, "val": -0.5}, "train"),
        ({"train": "much"}, "train"), ({"train": None}, "train"), ({"seed": -1}, "seed"), ({"seed": 10**30}, "seed"),
        ({"stratify": "perhaps"}, "stratify"), ({"val": [0.5]}, "val"), ({"keep_together": ["all"]}, "keep_together"),
        ({"keep_together": 5}, "keep_together"), ({"before_number": "x"}, "before_number"),
    ],
)  # fmt: skip
def test_fractions_that_do_not_sum_to_one_and_other_nonsense_are_refused(change, field, dataset, images, api_as):
    response = api_as(dataset.owner).post(f"/api/v1/datasets/{dataset.pk}/split", {"train": 0.5, "val": 0.5, **change})
    assert response.status_code == 400
    assert field in response.json()
    assert not dataset.images.exclude(split="").exists()


def test_split_on_the_page_takes_percent_and_leads_to_its_job(dataset, images, page_as, run_jobs):
    data = {"train": 50, "val": 50, "test": 0, "seed": 0, "stratify": "on"}
    with run_jobs():
        response = page_as(dataset.owner).post(f"/datasets/{dataset.pk}/split", data)
    assert re.fullmatch(r"/jobs/\d+/", response.headers["Location"])
    assert Counter(split_of(dataset).values()) == {"train": 3, "val": 3}
    assert b"6 images moved" in page_as(dataset.owner).get(f"/datasets/{dataset.pk}/splits").content


@pytest.mark.parametrize("change", [{"train": 60}, {"train": -1}, {"seed": ""}, {"train": "x"}, {"seed": 10**30}])
def test_bad_percents_are_refused_on_the_page_with_words(change, dataset, images, page_as):
    data = {"train": 50, "val": 50, "test": 0, "seed": 0, **change}
    page = page_as(dataset.owner).post(f"/datasets/{dataset.pk}/split", data)
    assert page.status_code == 400
    assert b"errorlist" in page.content or b"sum to 100" in page.content
    assert not dataset.images.exclude(split="").exists()


def test_one_image_is_moved_by_patch(dataset, images, api_as):
    path = f"/api/v1/datasets/{dataset.pk}/images/{images[0].pk}"
    response = api_as(dataset.owner).patch(path, {"split": "val"})
    assert (response.status_code, response.json()["split"]) == (200, "val")
    assert Counter(split_of(dataset).values()) == {"val": 1, "": 5}
    assert api_as(dataset.owner).patch(path, {"split": ""}).json()["split"] == ""


@pytest.mark.parametrize("data", [{"split": "valid"}, {"split": None}, {"split": ["val"]}, {"split": "val\x00"}])
def test_patch_to_no_split_that_exists_is_refused(data, dataset, images, api_as):
    response = api_as(dataset.owner).patch(f"/api/v1/datasets/{dataset.pk}/images/{images[0].pk}", data)
    assert (response.status_code, list(response.json())) == (400, ["split"])


def test_patch_changes_nothing_but_the_split(dataset, images, api_as):
    data = {"split": "val", "filename": "x.png", "sha256": "0", "dataset": 9, "is_labeled": True}
    api_as(dataset.owner).patch(f"/api/v1/datasets/{dataset.pk}/images/{images[0].pk}", data)
    kept = DatasetImage.objects.get(pk=images[0].pk)
    assert (kept.filename, kept.sha256, kept.dataset, kept.is_labeled) == ("0.png", images[0].sha256, dataset, False)
