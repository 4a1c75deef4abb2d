"""What is counted of questions: sparse histograms as plain dicts of text to number, which add up by key. Pure.

The counts of a bucket are::

    {"statuses": {"200": 12, "503": 1},      HTTP statuses
     "latency": {"47": 3},                   answered questions by slot of time, see `latency_slot`
     "objects": 40,                          found in all
     "classes": {"0": 31, "2": 9},           found, by class id of the model
     "confidence": {"18": 20},               found, by twentieths of confidence
     "compared": {"9f1c…": {"images": 9, "classes": {…}, "confidence": {…}, "objects": {"3": 2}}}}

`compared` holds what drift is judged on (see `thresholds.py`): answers as the defaults of the deployment give them,
under the key of these defaults; its `objects` are images by slot of how many objects they have, see `objects_slot`.

Times stand in slots whose bounds grow by a constant factor, as in DDSketch (Masson, Rim and Lee, "DDSketch: a fast and
fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019): slot i holds those from g^(i-1) to g^i
milliseconds with g = (1 + a) / (1 - a), and 2 g^i / (g + 1) is within a of all of them. Whatever is added up in
whatever order, a percentile is within `LATENCY_ERROR` of that of the times themselves.
"""

import math

LATENCY_ERROR = 0.02
GROWTH = (1 + LATENCY_ERROR) / (1 - LATENCY_ERROR)
LEAST_MS, MOST_MS = 0.01, 600_000.0
CONFIDENCE_BINS = 20
OBJECT_BOUNDS = (0, 1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 75, 100, 150, 200)  # the least of each slot


def latency_slot(milliseconds):
    """The slot of a time; those below LEAST_MS and above MOST_MS are in the first and last."""
    return math.ceil(math.log(min(max(milliseconds, LEAST_MS), MOST_MS), GROWTH))


def latency_of(slot):
    """Milliseconds, within LATENCY_ERROR of all times in a slot."""
    return 2 * GROWTH**slot / (GROWTH + 1)


def percentile(latency, share):
    """The time in milliseconds below or at which `share` (0..1) of the counted lie, or None of nothing.

    The lower of the two neighbours where the rank lies between: `numpy.percentile(…, method="lower")`.
    """
    total = sum(latency.values())
    if not total:
        return None
    rank, seen = math.floor(share * (total - 1)), 0
    for slot, count in sorted((int(slot), count) for slot, count in latency.items()):
        seen += count
        if seen > rank:
            return latency_of(slot)
    raise AssertionError("The counts of a histogram add up to its total.")


def confidence_bin(confidence):
    """0 to 19: which twentieth a confidence lies in."""
    return min(int(confidence * CONFIDENCE_BINS), CONFIDENCE_BINS - 1)


def objects_slot(number):
    """Which slot of OBJECT_BOUNDS an image with so many objects lies in."""
    return max(slot for slot, least in enumerate(OBJECT_BOUNDS) if least <= number)


def objects_words(slot):
    """A slot of OBJECT_BOUNDS in words: 3, 5 to 6, 200 or more."""
    least = OBJECT_BOUNDS[slot]
    if slot == len(OBJECT_BOUNDS) - 1:
        return f"{least} or more"
    last = OBJECT_BOUNDS[slot + 1] - 1
    return str(least) if last == least else f"{least} to {last}"


def tally(counts, key, more=1):
    """Add to one number of a histogram."""
    key = str(key)
    counts[key] = counts.get(key, 0) + more


def tally_boxes(counts, boxes):
    """Add boxes, as (class id, confidence, …), to `classes` and `confidence`."""
    classes, confidence = counts.setdefault("classes", {}), counts.setdefault("confidence", {})
    for box in boxes:
        tally(classes, box[0])
        tally(confidence, confidence_bin(box[1]))


def tally_image(counts, boxes):
    """Add one image to what is compared: its boxes, and how many they are."""
    tally(counts, "images")
    tally(counts.setdefault("objects", {}), objects_slot(len(boxes)))
    tally_boxes(counts, boxes)


def add(counts, more):
    """Add `more` to `counts`, key by key, and return it."""
    for key, value in more.items():
        if isinstance(value, dict):
            add(counts.setdefault(key, {}), value)
        else:
            counts[key] = counts.get(key, 0) + value
    return counts
