"""What a job's page asks for again and again: what is new since its last answer, in a constant number of queries.

A cursor says what a page has: how often the run was begun (anew: all epochs are told again, for the last ones are
learned again), its last epoch, the characters of the log, and the newest row of usage.
"""

import math
from typing import NamedTuple

from apps.training.services.log import newest_lines, read_log
from apps.training.services.usage import MOST_ROWS

LOG_PIECE = 200_000  # characters an answer
FIRST_LOG = 30_000  # characters of the newest lines, for a page that opens
DIGITS = 5


class Cursor(NamedTuple):
    """What a page has already; the default is nothing."""

    starts: int = 0
    epoch: int = 0
    log: int = -1
    usage: int = 0

    @classmethod
    def read(cls, text):
        """The cursor of `"1.12.3000.7"`; raises ValueError for what no answer gave."""
        if not text:
            return cls()
        parts = text.split(".")
        if len(parts) != len(cls._fields) or not all(part.isascii() and part.isdecimal() for part in parts):
            raise ValueError(text)
        if any(len(part) > 18 for part in parts):
            raise ValueError(text)
        return cls(*map(int, parts))

    def __str__(self):
        return ".".join(map(str, self))


def news(job, cursor):
    """(what the page does not have yet, its next cursor)"""
    starts = len(job.environment.get("starts", []))
    if cursor.starts != starts:
        cursor = cursor._replace(epoch=0)
    rows = epoch_rows(job, after=cursor.epoch)
    start, text = newest_lines(job, FIRST_LOG) if cursor.log < 0 else (cursor.log, read_log(job, cursor.log, LOG_PIECE))
    usage = usage_rows(job, since=cursor.usage)
    following = Cursor(
        starts,
        rows[-1][0] if rows else cursor.epoch,
        start + len(text),
        usage[-1][0] if usage else cursor.usage,
    )
    told = {
        "epochs": epoch_columns(rows), "all_epochs": not cursor.epoch, "log": {"start": start, "text": text},
        "usage": usage_columns(usage),
    }  # fmt: skip
    return told, following


def epoch_rows(job, after=0):
    """`[(epoch, seconds, metrics)]`; tuples, for making objects of them would take as long as all the rest."""
    return list(job.epoch_rows.filter(epoch__gt=after).values_list("epoch", "seconds", "metrics"))


def usage_rows(job, since=0):
    """`[(pk, at, seconds, values)]` from a row on: the last one that was told may have grown."""
    return list(job.usage_rows.filter(pk__gte=since).values_list("pk", "at", "seconds", "values")[:MOST_ROWS])


def epoch_columns(rows):
    """`{"epoch": [...], "mAP50": [...], "train_box": [...], ...}`: a list for each metric, as long as the rows."""
    flat = [flat_epoch(*row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    return {name: [row.get(name) for row in flat] for name in names}


def flat_epoch(epoch, seconds, metrics):
    """The numbers of an epoch, each under a name of its own, with no more digits than mean something."""
    found = {"epoch": epoch, "seconds": seconds}
    for name in ("precision", "recall", "mAP50", "mAP50_95"):
        found[name] = metrics.get(name)
    for kind in ("train", "val"):
        found |= {f"{kind}_{part}": value for part, value in (metrics.get(f"{kind}_loss") or {}).items()}
    rates = metrics.get("learning_rates") or [metrics.get("lr")]
    found |= {f"lr_{number}": rate for number, rate in enumerate(rates)}
    return {name: short(value) for name, value in found.items()} | {"is_best": int(bool(metrics.get("is_best")))}


def usage_columns(rows):
    """As `epoch_columns`, with `at` in seconds since 1970 and a list of GPUs for each row."""
    names = ("cpu", "memory", "machine_cpu", "machine_memory", "disk", "gpus")
    columns = {name: [values.get(name) for *_, values in rows] for name in names}
    if not any(columns["gpus"]):
        del columns["gpus"]
    return {
        "at": [int(at.timestamp()) for _, at, *_ in rows],
        "seconds": [round(seconds) for *_, seconds, _ in rows],
        **columns,
    }


def short(value):
    """A number with five digits; None stays None."""
    if not isinstance(value, float) or not math.isfinite(value):
        return value
    return float(f"{value:.{DIGITS}g}")
