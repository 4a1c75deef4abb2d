"""Which answers may be held against those on the validation set: those seen through the same thresholds.

A call may ask for other thresholds than the deployment's defaults, and a caller who asks for confidence 0.9 does not
make the images different. So an answer takes part where its call left nothing out that the defaults would show; of
what it found, only what the defaults would show is counted. Both sides then differ by their images alone.
"""

import hashlib
from dataclasses import dataclass

DEFAULT_CONF = 0.25  # where neither deployment nor model say one
LEAST_KNOWN = 0.05  # an evaluation keeps no prediction below


@dataclass(frozen=True)
class Thresholds:
    """The least confidence, in general and by class id; and the class ids that are shown (None: all)."""

    general: float
    per_class: tuple[tuple[int, float], ...] = ()
    classes: tuple[int, ...] | None = None

    def of(self, class_id):
        """The least confidence of a class, at least LEAST_KNOWN."""
        return max(dict(self.per_class).get(class_id, self.general), LEAST_KNOWN)

    def shown(self, boxes):
        """Those of (class id, confidence, …) that these thresholds show."""
        by_class = dict(self.per_class)
        return [
            box
            for box in boxes
            if box[1] >= max(by_class.get(box[0], self.general), LEAST_KNOWN)
            and (self.classes is None or box[0] in self.classes)
        ]

    @property
    def key(self):
        """A short text that is the same for the same thresholds."""
        return hashlib.sha256(repr((self.general, self.per_class, self.classes)).encode()).hexdigest()[:12]

    def hides_nothing_of(self, other):
        """Whether everything that `other` shows is shown by these too."""
        if self.classes is not None and (other.classes is None or set(other.classes) - set(self.classes)):
            return False
        known = {class_id for class_id, _ in (*self.per_class, *other.per_class)}
        return self.general <= max(other.general, LEAST_KNOWN) and all(self.of(one) <= other.of(one) for one in known)


def thresholds(conf, per_class=None, classes=None):
    """Thresholds from what a call or the defaults of a deployment say."""
    by_class = tuple(sorted((int(one), float(conf)) for one, conf in (per_class or {}).items()))
    shown = None if classes is None else tuple(sorted(classes))
    return Thresholds(DEFAULT_CONF if conf is None else float(conf), by_class, shown)


def default_thresholds(operating_point, defaults):
    """Those of a call that says nothing: the deployment's defaults, and the model's operating point without any."""
    point, defaults = operating_point or {}, defaults or {}
    if defaults.get("conf") is not None or defaults.get("per_class"):
        conf, per_class = defaults.get("conf", point.get("confidence")), defaults.get("per_class")
    else:
        conf, per_class = point.get("confidence"), point.get("per_class")
    return thresholds(conf, per_class, defaults.get("classes") or None)


def asked_thresholds(options, usual):
    """Those that a call was answered by; `usual` are those of a call that says nothing."""
    conf, per_class, classes = options.get("conf"), options.get("per_class"), options.get("classes")
    if conf is None and per_class is None:
        return Thresholds(usual.general, usual.per_class, usual.classes if not classes else tuple(sorted(classes)))
    return thresholds(usual.general if conf is None else conf, per_class, classes or None)
