"""What differs between two manifests, read side by side: memory does not grow with their length."""

from collections import Counter, defaultdict

from .boxes import pair_boxes

IMAGE_KINDS = ("added", "removed", "moved", "relabelled")
MOST_MARKS = 60  # boxes of an image that are kept to be drawn


def compare(before, after, classes_before, classes_after, keep):
    """Compare two streams of entries, each in the order of the images' hashes; returns the summary.

    `classes_before` and `classes_after` are lists of (key, name) in the order of the class ids. `keep(kind, item)` gets
    each image that differs, a kind of IMAGE_KINDS at a time. The summary:

        {identical, images: {added, removed, moved, relabelled, same}, boxes: {added, removed, changed, reclassed},
         moves: [{from, to, images}], classes: [{key, name, was, place, was_place, what, added, …}], classes_changed}
    """
    work = _Comparison(keep)
    for old, new in side_by_side(before, after):
        if old is None:
            work.image_added(new)
        elif new is None:
            work.image_removed(old)
        else:
            work.image_in_both(old, new)
    return work.summary(classes_before, classes_after)


def side_by_side(before, after):
    """Yield (entry or None, entry or None) of two streams that are sorted by sha256, each pair of one image."""
    before, after = iter(before), iter(after)
    old, new = next(before, None), next(after, None)
    while old is not None or new is not None:
        if new is None or (old is not None and old["sha256"] < new["sha256"]):
            yield old, None
            old = next(before, None)
        elif old is None or new["sha256"] < old["sha256"]:
            yield None, new
            new = next(after, None)
        else:
            yield old, new
            old, new = next(before, None), next(after, None)


class _Comparison:
    def __init__(self, keep):
        self._keep = keep
        self.images, self.boxes, self.moves = Counter(), Counter(), Counter()
        self.by_class = defaultdict(Counter)

    def image_added(self, new):
        self._image("added", None, new, added=new["boxes"])

    def image_removed(self, old):
        self._image("removed", old, None, removed=old["boxes"])

    def image_in_both(self, old, new):
        moved = old["split"] != new["split"]
        if moved:
            self.moves[old["split"], new["split"]] += 1
            self._image("moved", old, new)
        if old["boxes"] == new["boxes"] and old["labeled"] == new["labeled"]:
            self.images["same"] += not moved
            return
        added, removed, changed, reclassed = pair_boxes(old["boxes"], new["boxes"])
        if added or removed or changed or reclassed or old["labeled"] != new["labeled"]:
            self._image("relabelled", old, new, added, removed, changed, reclassed)
        elif not moved:
            self.images["same"] += 1

    def _image(self, kind, old, new, added=(), removed=(), changed=(), reclassed=()):
        self.images[kind] += 1
        self._count(added, removed, changed, reclassed)
        known = new or old
        counts = {"added": len(added), "removed": len(removed), "changed": len(changed), "reclassed": len(reclassed)}
        marks = [["-", *box[:5]] for box in removed] + [["+", *box[:5]] for box in added]
        marks += [["~", *box[:5], *was[1:5]] for was, box in changed]
        marks += [["c", *box[:5], was[0]] for was, box in reclassed]
        self._keep(kind, {
            "sha256": known["sha256"], "filename": known["filename"], "width": known["width"],
            "height": known["height"], "split": new and new["split"], "split_before": old and old["split"],
            "labeled": new and new["labeled"], "labeled_before": old and old["labeled"],
            "boxes": len(known["boxes"]), **counts, "marks": marks[:MOST_MARKS],
        })  # fmt: skip

    def _count(self, added, removed, changed, reclassed):
        for name, boxes in (("added", added), ("removed", removed), ("changed", [box for _, box in changed])):
            self.boxes[name] += len(boxes)
            for box in boxes:
                self.by_class[box[0]][name] += 1
        self.boxes["reclassed"] += len(reclassed)
        for was, box in reclassed:
            self.by_class[was[0]]["left"] += 1
            self.by_class[box[0]]["joined"] += 1

    def summary(self, classes_before, classes_after):
        classes = _classes(classes_before, classes_after, self.by_class)
        classes_changed = any(row["what"] != "same" for row in classes)
        images = {kind: self.images[kind] for kind in (*IMAGE_KINDS, "same")}
        return {
            "identical": not classes_changed and not any(images[kind] for kind in IMAGE_KINDS),
            "images": images,
            "boxes": {kind: self.boxes[kind] for kind in ("added", "removed", "changed", "reclassed")},
            "moves": [{"from": a, "to": b, "images": n} for (a, b), n in sorted(self.moves.items())],
            "classes": classes,
            "classes_changed": classes_changed,
        }


def _classes(before, after, counts):
    """A row for each class of either side, in the order of `after`, then those that are gone."""
    old = {key: (place, name) for place, (key, name) in enumerate(before)}
    new = {key: (place, name) for place, (key, name) in enumerate(after)}
    stayed_before, stayed_after = [key for key in old if key in new], [key for key in new if key in old]
    reordered = {a for a, b in zip(stayed_after, stayed_before, strict=True) if a != b}
    rows = []
    for key in [*new, *(key for key in old if key not in new)]:
        place, name = new.get(key, (None, None))
        was_place, was = old.get(key, (None, None))
        what = _what(name, was, key in reordered)
        rows.append({
            "key": key, "name": name, "was": was, "place": place, "was_place": was_place, "what": what,
            **{kind: counts[key][kind] for kind in ("added", "removed", "changed", "left", "joined")},
        })  # fmt: skip
    return rows


def _what(name, was, reordered):
    if was is None:
        return "added"
    if name is None:
        return "removed"
    if name != was:
        return "renamed and moved" if reordered else "renamed"
    return "moved" if reordered else "same"
