"""Answer the frames of a video. Each answer is soon a row: a run that was killed goes on behind the last."""

import contextlib
import time

from apps.core.work import WorkFailed
from apps.inference import batch
from apps.inference.metering import BatchMeter
from apps.inference.models import BatchVideo
from apps.inference.videos.source import frames_of


def answer_frames(job, model, folder, report):
    """Write an answer for every wanted frame that has none; returns the words for what was damaged, or "".

    `report` takes the share that is done, 0 to 1.
    """
    pace, meter, finished = Pace(job.answers.count()), BatchMeter(job), None
    rows, written = [], time.monotonic()
    with contextlib.closing(frames_of(job, folder, pace.before, report)) as events:
        for event in events:
            if event["event"] == "opened":
                pace.total = _keep_header(job, event)
            elif event["event"] == "frame":
                if refused := meter.why_not(pace.done + 1):
                    batch.write(rows, report, meter)
                    raise WorkFailed(batch.stopped(refused, pace.count))
                pace.done += 1
                rows.append(_answered(job, model, pace.done, event))
                if len(rows) >= batch.ROWS or time.monotonic() - written > batch.SECONDS:
                    batch.write(rows, report, meter)
                    rows, written = [], time.monotonic()
                report(pace.share, pace.words)
            elif event["event"] == "finished":
                finished = event
    batch.write(rows, report, meter)
    if finished is None:
        raise WorkFailed("The process that reads the video ended in the middle of it. The answers so far stay.")
    BatchVideo.objects.filter(job=job).update(num_frames=finished["frames"])
    broken = finished["broken"]
    return f"{broken} damaged place{'s' if broken > 1 else ''} in the video could not be decoded." if broken else ""


def _answered(job, model, number, event):
    row = batch.answered(job, model, number, f"frame_{event['number']:06d}", None, lambda: event["data"])
    row.frame, row.seconds = event["number"], event["time"]
    return row


def _keep_header(job, header):
    """Keep what the video says of itself; returns how many frames are expected to be answered, 0 if unknown."""
    about = {name: header[name] for name in ("codec", "frame_rate", "seconds")}
    BatchVideo.objects.update_or_create(job=job, defaults=about)
    return header["wanted"]


class Pace:
    """How far the answers are, how quick, and how long it takes yet."""

    def __init__(self, before):
        self.before = self.done = before
        self.total, self._started = 0, None

    @property
    def share(self):
        """0 to 1; of a video that does not say how long it is, 0."""
        return min(self.done / self.total, 1) if self.total else 0

    @property
    def count(self):
        return f"{self.done} of about {self.total} frames" if self.total else f"{self.done} frames"

    @property
    def words(self):
        """Frames, frames a second of this run, and the time that is left at that pace."""
        now = time.monotonic()
        if self._started is None:  # the first frame waited for the model and the decoder
            self._started, self.before = now, self.done
        words = self.count
        count, seconds = self.done - self.before, now - self._started
        if not count or seconds < 0.5:
            return words
        words += f" · {count / seconds:.3g} frames/s"
        left = max(self.total - self.done, 0) * seconds / count
        return f"{words} · {duration(left)} left" if self.total else words


def duration(seconds):
    """Seconds in words of one or two units."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"
