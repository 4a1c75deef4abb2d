"""A batch on a video: start one, and the work of its job."""

from django.core.files.storage import default_storage
from django.http import Http404

from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.inference import batch, services
from apps.inference.access import get_model_of_batch
from apps.inference.videos.answers import answer_frames
from apps.inference.videos.drawn import draw_video
from apps.inference.videos.source import GONE
from apps.inference.videos.summary import summarize
from apps.inference.videos.tracks import follow

TASK = "apps.inference.tasks.video"
ACCEPTED = "mp4, mov, mkv, webm and avi are taken, with H.264, HEVC, AV1, VP9, VP8, MPEG-4 or MJPEG"
HEAD = 16  # bytes that tell a container
STARTS = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")  # of a mov or mp4, behind four bytes of length


def start_on_video(asking, video, filename, every=None, fps=None, tracks=True, draw=True):
    """Queue a batch on a video, a file or the name of a stored one; returns the job.

    Every `every`-th frame is answered, or `fps` of them a second of the video's time; with neither, all are.
    """
    return asking.start(
        TASK, upload=video, source="video", filename=filename, every=every, fps=fps, tracks=tracks, draw=draw
    )


def is_video(file):
    """Whether an open file begins as a video does; whether it is a whole one, the job finds out."""
    file.seek(0)
    head = file.read(HEAD)
    file.seek(0)
    return head[4:8] in STARTS or head[:4] == b"\x1a\x45\xdf\xa3" or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def is_stored_video(name):
    """The same of a stored file, by its name."""
    with default_storage.open(name) as file:
        return is_video(file)


def run_video(job, report):
    """The work of a job on a video: answers, tracks, the drawn video. What is there already is not done again."""
    try:
        model = get_model_of_batch(job)
        if not job.upload or not default_storage.exists(job.upload.name):
            raise WorkFailed(GONE)
        with scratch_folder() as folder:
            return _run(job, model, folder, report)
    except Http404:
        raise WorkFailed("The model is gone, or not yours to see any more.") from None
    except services.NotServed as reason:
        raise WorkFailed(str(reason)) from None


def _run(job, model, folder, report):
    tracks, draw = job.params["tracks"], job.params["draw"]
    answered = 1 - 0.1 * tracks - 0.2 * draw
    damaged = answer_frames(job, model, folder, _Part(report, 0, answered))
    num_tracks = follow(job, folder, _Part(report, answered, answered + 0.1)) if tracks else None
    seconds = summarize(job, report)
    result = batch.result_of(job, damaged)
    figures = {"frames": result["images"], "objects": result["objects"], "seconds": round(seconds, 1)}
    if tracks:
        result["tracks"] = figures["tracks"] = num_tracks
    if draw:
        result["filename"] = draw_video(job, folder, _Part(report, 0.8, 1))
        result["video_url"] = f"/api/v1/predictions/batch/{job.pk}/video"
    return result | {"figures": figures}


class _Part:
    """A reporter whose 0 to 1 is `start` to `end` of the whole."""

    def __init__(self, report, start, end):
        self._report, self._start, self._length = report, start, end - start
        self.check = report.check

    def __call__(self, share, message=""):
        self._report(self._start + self._length * min(max(share, 0), 1), message)
