"""Splits by fractions: the same seed gives the same split, whatever order the images came in."""

import hashlib
from collections import Counter, defaultdict

from django.db import transaction

from apps.datasets.models import SPLITS, DatasetImage
from apps.datasets.services.datasets import refresh_counts


@transaction.atomic
def assign_splits(dataset, train, val, test, seed=0, stratify=True, only_unassigned=False):
    """Share the images out by fractions that sum to 1; returns `{split: how many are in it now}`.

    Stratified, each class is spread over the splits as the images are: an image counts for its rarest class.
    """
    images = DatasetImage.objects.filter(dataset=dataset)
    if only_unassigned:
        images = images.filter(split="")
    fractions = dict(zip(SPLITS, (train, val, test), strict=True))
    for split, pks in _shares(images, fractions, seed, stratify).items():
        for start in range(0, len(pks), 500):
            DatasetImage.objects.filter(pk__in=pks[start : start + 500]).update(split=split)
    refresh_counts(dataset)
    return {split: dataset.split_counts[split] for split in SPLITS}


def _shares(images, fractions, seed, stratify):
    strata = _strata(images) if stratify else {None: list(images.values_list("pk", "sha256"))}
    shares = {split: [] for split in SPLITS}
    total = 0
    for _, members in sorted(strata.items(), key=lambda item: (len(item[1]), str(item[0]))):
        for pk, _ in sorted(members, key=lambda member: _rank(seed, member[1])):
            total += 1
            # Each image goes where most is missing of what this many images should have given: the splits stay
            # within one image of their fractions after every stratum, however small the strata are.
            owed = {split: fractions[split] * total - len(shares[split]) for split in SPLITS}
            shares[max(SPLITS, key=owed.get)].append(pk)
    return shares


def _strata(images):
    classes = defaultdict(set)
    for pk, class_id in images.values_list("pk", "annotations__class_key").distinct():
        classes[pk].add(class_id)
    frequency = Counter(class_id for found in classes.values() for class_id in found)
    strata = defaultdict(list)
    for pk, sha256 in images.values_list("pk", "sha256"):
        rarest = min(classes[pk], key=lambda class_id: (frequency[class_id], str(class_id)))
        strata[rarest].append((pk, sha256))
    return strata


def _rank(seed, sha256):
    return hashlib.sha256(f"{seed}:{sha256}".encode()).hexdigest()
