"""The leak-safe split of 100,000 images, and near duplicates among as many, beside the figures that they have to reach.

    python benchmarks/split.py
    python benchmarks/split.py --images 20000

On a database of its own (SQLite, in a scratch folder; with DATABASE_URL another) stand rows without files: videos of up
to 300 frames, near duplicates planted by up to 6 of 128 bits, groups given by people, bursts by EXIF time, ten boxes an
image. The job runs as a worker runs it, and what it made is then checked: no group is on two sides, the fractions, the
classes, the same again, sticky when images come in, and taken back. A line begins with FAILED where it is not so.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
FRACTIONS = {"train": 0.7, "val": 0.2, "test": 0.1}
NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)
CLASSES = 12
BOXES = 10
FAILED = []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        set_up(scratch)
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {options.images} images × {BOXES} boxes\n")
        print(f"{'':<52}{'measured':>10}{'processor':>12}{'at most':>10}")
        measure(options.images)
        sys.exit(bool(FAILED))


def set_up(scratch):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
    os.environ["DATA_DIR"] = scratch
    import django

    django.setup()
    from celery import current_app
    from django.core.management import call_command

    current_app.send_task = lambda *args, **kwargs: None  # no queue: the jobs are run here
    call_command("migrate", verbosity=0)


def measure(count):
    from apps.accounts.services import register_user
    from apps.datasets import services
    from apps.datasets.services import duplicates, leaks, moves, splits

    user = register_user("bench", "bench@example.org", "correct horse battery")
    dataset = services.create_dataset(user, "Bench", class_names=[f"class {n}" for n in range(CLASSES)])
    rng = random.Random(7)
    sources = Sources(dataset, rng)
    sources.fill(count)

    split = {**FRACTIONS, "seed": 1}
    job, seconds = run(splits.start_split(user, dataset, **split), splits.run_split)
    show("split of all, groups whole, as a job", seconds, 30)
    after = sides(dataset)
    check("no source is on two sides", not sources.divided(after))
    check("fractions within a hundredth", near_fractions(after))
    check("every class within a fiftieth of its fraction", not uneven(dataset))
    print(f"  {job.result['groups']} groups, the largest of {job.result['largest_group']}: {job.result['figures']}")

    _, seconds = run(leaks.start_look(user, dataset), leaks.run_look)
    show("look for leaks in it", seconds)
    check("none is found", services.kept_report(dataset, "leaks").data["num_groups"] == 0)

    _, seconds = run(splits.start_split(user, dataset, **split, only_unassigned=False), splits.run_split)
    show("the same split again, all anew", seconds, 30)
    check("nothing moved", sides(dataset) == after)

    sources.fill(count // 20)
    _, seconds = run(splits.start_split(user, dataset, **split, only_unassigned=True), splits.run_split)
    show("a twentieth more comes in, sticky", seconds, 30)
    now = sides(dataset)
    check("no image that had a split moved", all(now[name] == split for name, split in after.items()))
    check("no source is on two sides", not sources.divided(now))

    job, seconds = run(
        splits.start_split(user, dataset, train=0.5, val=0.5, test=0, only_unassigned=False), splits.run_split
    )
    _, undone = run(moves.start_undo(user, dataset, job), moves.run_undo)
    show("another split taken back", undone)
    check("all is as it was", sides(dataset) == now)

    scatter(dataset, rng)
    _, seconds = run(leaks.start_mend(user, dataset), leaks.run_mend)
    show("mending a split made image by image", seconds, 30)
    check("no source is on two sides", not sources.divided(sides(dataset)))

    _, seconds = run(duplicates.start_duplicates(user, dataset), duplicates.run_duplicates)
    show("near duplicates among all (no thumbnails to read)", seconds)
    found = {pk for group in services.kept_report(dataset, "duplicates").data["groups"] for pk in group["images"]}
    planted = set(dataset.images.filter(camera="planted").values_list("pk", flat=True))
    check(f"all {len(planted)} planted ones are in groups, and {len(found - planted)} of what they were made from",
          planted <= found and len(found) <= 2 * len(planted))  # fmt: skip
    show("peak memory of the process", f"{peak()} MB")


class Sources:
    """Rows of images that are from known sources; `divided` says which of those lie on two sides."""

    def __init__(self, dataset, rng):
        self.dataset, self.rng, self.number, self.members = dataset, rng, 0, defaultdict(list)

    def fill(self, count):
        from apps.annotations.models import Annotation
        from apps.datasets import services
        from apps.datasets.models import DatasetImage

        rows, goal = [], self.number + count
        while self.number + len(rows) < goal:
            rows += self._source(len(rows))
        rows = rows[:count]
        self.number += count
        for start in range(0, count, 5000):
            made = DatasetImage.objects.bulk_create(rows[start : start + 5000])
            Annotation.objects.bulk_create(
                Annotation(
                    image=image, class_key=min(int(self.rng.expovariate(0.35)), CLASSES - 1),
                    x_center=0.5, y_center=0.5, width=0.1, height=0.1,
                )
                for image in made
                for _ in range(BOXES)
            )  # fmt: skip
        services.refresh_counts(self.dataset)

    def _source(self, at):
        kind = self.rng.random()
        name = f"s{self.number + at}"
        if kind < 0.90:
            return [self._row(name, f"{name}.jpg")]
        if kind < 0.91:
            return [self._row(name, f"{name}_frame_{n:05}.jpg") for n in range(self.rng.randrange(2, 300))]
        if kind < 0.93:
            return [self._row(name, f"{name}-{n}.jpg", group=name) for n in range(self.rng.randrange(2, 20))]
        if kind < 0.95:
            begin = NOON + timedelta(minutes=self.number + at)
            return [
                self._row(name, f"{name}-{n}.jpg", camera="Canon", taken_at=begin + timedelta(seconds=n))
                for n in range(self.rng.randrange(2, 10))
            ]
        signature = self.rng.randbytes(16)
        copy = {"camera": "planted", "signature": self._changed(signature)}
        return [self._row(name, f"{name}.jpg", signature=signature), self._row(name, f"{name}b.jpg", **copy)]

    def _row(self, source, filename, **values):
        from apps.datasets.models import DatasetImage

        values.setdefault("signature", self.rng.randbytes(16))
        sha256 = f"{self.rng.getrandbits(256):064x}"
        self.members[source].append(sha256)
        return DatasetImage(
            dataset=self.dataset, filename=filename, sha256=sha256, num_bytes=1, width=640, height=480, is_labeled=True,
            num_boxes=BOXES, brightness=self.rng.randrange(100, 110), **values,
        )  # fmt: skip

    def _changed(self, signature):
        number = int.from_bytes(signature, "big")
        for bit in self.rng.sample(range(128), self.rng.randrange(7)):
            number ^= 1 << bit
        return number.to_bytes(16, "big")

    def divided(self, split_of):
        return [
            source
            for source, members in self.members.items()
            if len({split_of[name] for name in members if name in split_of}) > 1
        ]


def run(job, do):
    """Run a job as a worker does; returns (the job, (seconds, seconds of the processor))."""
    from apps.core.jobs import run_job

    began, began_cpu = time.perf_counter(), time.process_time()
    run_job(job.pk, do)
    seconds = time.perf_counter() - began, time.process_time() - began_cpu
    job.refresh_from_db()
    if job.status != "completed":
        sys.exit(job.traceback or job.error_message)
    return job, seconds


def sides(dataset):
    return dict(dataset.images.values_list("sha256", "split"))


def near_fractions(split_of):
    found = list(split_of.values())
    return all(abs(found.count(split) / len(found) - fraction) <= 0.01 for split, fraction in FRACTIONS.items())


def uneven(dataset):
    """Classes whose images are more than a fiftieth of them off the fractions in some split."""
    counts = defaultdict(lambda: defaultdict(int))
    for key, split, _ in dataset.images.values_list("annotations__class_key", "split", "pk").distinct():
        counts[key][split] += 1
    return [
        key
        for key, by_split in counts.items()
        if any(abs(by_split[s] / sum(by_split.values()) - fraction) > 0.02 for s, fraction in FRACTIONS.items())
    ]


def scatter(dataset, rng):
    """Give every image a split of its own, as tools do that know no sources."""
    from apps.datasets import services
    from apps.datasets.models import DatasetImage

    pks = list(dataset.images.values_list("pk", flat=True))
    rng.shuffle(pks)
    at = 0
    for split, fraction in FRACTIONS.items():
        some = pks[at : at + round(fraction * len(pks))]
        at += len(some)
        for start in range(0, len(some), 500):
            DatasetImage.objects.filter(pk__in=some[start : start + 500]).update(split=split)
    services.refresh_counts(dataset)


def peak():
    """MB of memory that the process had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def show(what, value, limit=None):
    value, cpu = (f"{value[0]:.1f} s", f"{value[1]:.1f} s") if isinstance(value, tuple) else (value, "")
    print(f"{what:<52}{value:>10}{cpu:>12}{f'{limit} s' if limit else '':>10}", flush=True)


def check(what, holds):
    print(f"  {'holds' if holds else 'FAILED'}: {what}", flush=True)
    FAILED.extend([] if holds else [what])


if __name__ == "__main__":
    main()
