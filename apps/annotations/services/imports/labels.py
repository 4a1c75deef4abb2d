"""The labels of an archive's image as rows of a dataset."""

from django.conf import settings

from apps.annotations.services.imports.words import Kind
from apps.annotations.services.orientation import turned
from apps.annotations.services.shapes import BadLabels, clean_label


class LabelTaker:
    """Turns boxes into label dicts (of `shapes.FIELDS`); what is left out is told to the report."""

    def __init__(self, dataset, class_map, report):
        self.dataset, self.classes, self.report = dataset, class_map, report

    def take(self, labels, image):
        """The labels of `image`, an (unsaved) row whose size and orientation are known."""
        boxes = labels.boxes
        if len(boxes) > settings.MAX_BOXES_PER_IMAGE:
            reason = f"only the first {settings.MAX_BOXES_PER_IMAGE} of its {len(boxes)} boxes were taken"
            self.report.add(labels.path, None, reason, Kind.TOO_MANY)
            boxes = boxes[: settings.MAX_BOXES_PER_IMAGE]
        unwanted, taken = {}, []
        for box in boxes:
            key = self.classes.keys[box.class_index]
            if key is None:
                unwanted[box.class_index] = unwanted.get(box.class_index, 0) + 1
            elif label := self._label(labels, turned(box, labels, image), key):
                taken.append(label)
        for place, count in unwanted.items():
            self._leave_out_class(labels, place, count)
        return taken

    def _label(self, labels, box, key):
        item = {
            "class_key": key, "x_center": box.x_center, "y_center": box.y_center, "width": box.width,
            "height": box.height, "confidence": box.confidence, "source": box.source or "imported",
            "points": pairs(box.points) if box.points else None,
        }  # fmt: skip
        try:
            return clean_label(self.dataset, item)
        except BadLabels as bad:
            self.report.add(labels.path, None, f"a box was left out: {bad}", Kind.BAD_BOX)
            return None

    def _leave_out_class(self, labels, place, count):
        name = self.classes.names[place]
        boxes = "1 box" if count == 1 else f"{count} boxes"
        self.report.add(labels.path, None, f"{boxes} of “{name}” left out, as you chose", Kind.UNWANTED)

    def history(self, labels):
        """The revisions that the archive has of the image, oldest first, their classes as permanent numbers."""
        found, last = [], 0
        for revision in sorted((labels.extra or {}).get("revisions", ()), key=lambda revision: revision["number"]):
            if revision["number"] <= last:
                continue  # two of one number: the first is taken
            last = revision["number"]
            found.append({**revision, "annotations": self._of_today(revision["annotations"])})
        return found

    def _of_today(self, rows):
        kept = []
        for row in rows:
            key = self.classes.keys[row["class_index"]]
            item = {name: value for name, value in row.items() if name != "class_index"} | {"class_key": key}
            try:
                if key is not None:
                    kept.append(clean_label(self.dataset, item | {"source": row["source"] or "imported"}))
            except BadLabels:
                continue  # history only: what could not be a label today is not made one
        return kept


def pairs(flat):
    """[x, y, x, y, …] → [[x, y], …]"""
    return [list(point) for point in zip(flat[::2], flat[1::2], strict=True)]
