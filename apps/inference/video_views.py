"""The page of a batch on a video: how far it is, then a player, the tracks, and what was found when."""

from collections import Counter

from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404
from django.shortcuts import render

from apps.inference.engine.pens import COLORS
from apps.inference.shown import CHIPS, shown_answers

FRAMES, TRACKS = 25, 15  # of a page
ORDERS = {"": "number", "longest": "-seen", "class": "class_name"}


def video_page(request, job, context):
    """All of it, or the part that htmx asks for: progress (at its end the page loads anew), frames, tracks."""
    part = request.headers.get("HX-Target", "") if request.htmx and not request.htmx.boosted else ""
    if part == "batch":
        response = render(request, "inference/video_detail.html#progress", context)
        if not job.is_active:
            response["HX-Refresh"] = "true"
        return response
    video = getattr(job, "video", None)
    context |= {"video": video, **_frames(request, job), **_tracks(request, job)}
    context["drawn"] = bool(job.file) and default_storage.exists(job.file.name)
    return render(request, f"inference/video_detail.html{f'#{part}' if part in ('frames', 'tracks') else ''}", context)


def _frames(request, job):
    """The page of answers that the query string asks for, each with its objects counted by class."""
    shown = request.GET.get("show", "")
    page = Paginator(shown_answers(job, shown), FRAMES).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.counts = Counter(found["class_name"] for found in row.answer.get("predictions", ())).most_common()
    return {"page": page, "shown": shown, "chips": CHIPS}


def _tracks(request, job):
    """The page of tracks, in one of ORDERS."""
    order = request.GET.get("order", "")
    if order not in ORDERS:
        raise Http404(f"Tracks are in the order of: {', '.join(filter(None, ORDERS))}.")
    rows = job.tracks.annotate(seen=F("last_seconds") - F("first_seconds")).order_by(ORDERS[order], "number")
    page = Paginator(rows, TRACKS).get_page(request.GET.get("tracks"))
    for track in page.object_list:
        track.color = COLORS[track.number % len(COLORS)]
    return {"tracks": page, "order": order, "orders": {"": "As they begin", "longest": "Longest", "class": "By class"}}
