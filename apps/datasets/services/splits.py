"""Splits that do not leak: images of one source stay together, classes are spread, the same seed gives the same."""

from apps.core.work import WorkFailed
from apps.datasets.models import SPLITS
from apps.datasets.services.leaks import keep_leaks
from apps.datasets.services.moves import SPLIT, dataset_of, make_moves, moves_between, splits_page, start_moves
from apps.datasets.services.pictures import classes_on, present, read_pictures
from apps.datasets.services.signatures import fill_signatures
from apps.datasets.sharing import share_out
from apps.datasets.sources import RULES, leaks, link, near_links

TASK = "apps.datasets.tasks.split_dataset"


def start_split(user, dataset, **options):
    """Queue a split of a dataset; `options` as `assign_splits` takes them. Returns the job; raises MovesUnderWay."""
    return start_moves(user, dataset, SPLIT, TASK, options=options)


def run_split(job, report):
    """The work of a split job. Killed at any point and run again, it moves the same images once."""
    dataset = dataset_of(job)
    if job.result.get("applied"):  # its predecessor was killed between the last change and the end
        return job.result
    if not dataset.num_images:
        raise WorkFailed("The dataset has no images.")
    return assign_splits(dataset, **job.params["options"], job=job, report=report)


def assign_splits(
    dataset, train, val, test, seed=0, stratify=True, only_unassigned=False, keep_together=tuple(RULES),
    before_number=False, job=None, report=lambda part, words="": None,
):  # fmt: skip
    """Share the images out by fractions that sum to 1, groups of one source whole; returns what came of it.

    `only_unassigned`: images that have a split stay, and draw the others of their group to their side.
    `keep_together`: which of `sources.RULES` make groups. `before_number`: see `sources.link`.
    The answer: images by split, classes by split before and after, groups, the largest, leaks that stayed.
    """
    report(0, "Looking at the pictures")
    fill_signatures(dataset, lambda part: report(0.2 * part, "Taking missing signatures"))
    images = present(dataset)
    pictures = read_pictures(images)
    near = near_links(pictures, lambda part: report(0.2 + 0.4 * part, "Looking for nearly the same pictures"))
    links = link(pictures, near, keep_together, before_number)
    report(0.6, "Reading the labels")
    classes, groups, before = classes_on(images, pictures), links.groups(), pictures.split
    report(0.7, "Sharing the images out")
    fractions = dict(zip(SPLITS, (train, val, test), strict=True))
    after = share_out(groups.tolist(), before, pictures.sha256, classes, fractions, seed, stratify, only_unassigned)
    moves = moves_between(pictures.pk.tolist(), before, after)
    result = splits_page(dataset) | _outcome(dataset, classes, before, after, groups, links)
    report(0.8, "Moving the images")
    result["moved"] = make_moves(dataset, moves, job, result)
    pictures.split = after
    keep_leaks(dataset, pictures, link(pictures, near))
    return result | ({"applied": True} if job else {})


def _outcome(dataset, classes, before, after, groups, links):
    sizes = {}
    for group in groups.tolist():
        sizes[group] = sizes.get(group, 0) + 1
    sources = [size for size in sizes.values() if size > 1]
    counts = {split: after.count(split) for split in SPLITS}
    return {
        **counts,
        "figures": {**counts, "groups of one source": len(sources)},
        "groups": len(sources),
        "largest_group": max(sources, default=1),
        "in_groups": sum(sources),
        "leaking_groups": len(leaks(links, after)),
        "classes": _class_table(dataset, classes, before, after),
        "before": {split or "none": before.count(split) for split in (*SPLITS, "")},
    }


def _class_table(dataset, classes, before, after):
    """`[{class_id, class_name, before: {split: images}, after: …}]`, without split under "none"."""
    table = {
        key: {side: dict.fromkeys((*SPLITS, "none"), 0) for side in ("before", "after")} for key in dataset.class_keys
    }
    for keys, old, new in zip(classes, before, after, strict=True):
        for key in keys:
            if key in table:
                table[key]["before"][old or "none"] += 1
                table[key]["after"][new or "none"] += 1
    return [
        {"class_id": place, "class_name": name, **table[key]}
        for place, (name, key) in enumerate(zip(dataset.class_names, dataset.class_keys, strict=True))
    ]
