"""What was found in all of a video: how many objects of each class at what time."""

from collections import Counter, defaultdict

from apps.inference.models import BatchVideo
from apps.inference.videos.tracks import pieces

POINTS = 240  # of the chart, at most
MOST_CLASSES = 10  # the most frequent; the others are one more line
OTHERS = "others"


def summarize(job, report):
    """Keep the video's size and its timeline; returns the seconds at which the last answered frame is."""
    size, last = None, job.answers.order_by("number").last()
    span = (last.seconds or 0) / POINTS or 1
    frames, objects = Counter(), defaultdict(Counter)
    for rows in pieces(job):
        report.check()
        for row in rows:
            size = size or row.answer.get("image")
            place = min(int(row.seconds / span), POINTS - 1)
            frames[place] += 1
            objects[place].update(found["class_name"] for found in row.answer.get("predictions", ()))
    BatchVideo.objects.filter(job=job).update(timeline=_timeline(span, frames, objects), **(size or {}))
    return last.seconds


def _timeline(span, frames, objects):
    """{"seconds": [the middle of each stretch], "classes": {name: [objects a frame on average]}}."""
    total = sum(objects.values(), Counter())
    names = [name for name, _ in total.most_common(MOST_CLASSES)]
    places = sorted(frames)
    lines = {name: [round(objects[p][name] / frames[p], 3) for p in places] for name in names}
    if len(total) > len(names):
        rest = [(objects[p].total() - sum(objects[p][name] for name in names)) / frames[p] for p in places]
        lines[OTHERS] = [round(value, 3) for value in rest]
    return {"seconds": [round((place + 0.5) * span, 3) for place in places], "classes": lines}
