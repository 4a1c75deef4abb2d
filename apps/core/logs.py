"""Which request or job a line of the log belongs to, and lines as JSON.

A request's id goes along with the tasks that it sends: the lines of a worker say which request asked for them.
"""

import json
import logging
import re
import time
import uuid
from contextvars import ContextVar
from datetime import UTC, datetime

from celery.signals import before_task_publish, task_postrun, task_prerun
from django.conf import settings

access_log = logging.getLogger("access")
SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
REQUEST, JOB, TASK = (ContextVar(name, default="") for name in ("request_id", "job", "task_id"))
KNOWN = {"request_id": REQUEST, "job": JOB, "task_id": TASK}
USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName", "tag", "request", *KNOWN}


class RequestId:
    """Middleware: each request has an id, its caller's where that is sane; the answer says it in `X-Request-ID`."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        held = REQUEST.set(given if SANE_ID.fullmatch(given) else uuid.uuid4().hex)
        started = time.perf_counter()
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = REQUEST.get()
            if settings.ACCESS_LOG:
                _note_access(request, response, time.perf_counter() - started)
            return response
        finally:
            REQUEST.reset(held)


def _note_access(request, response, seconds):
    """The path without its query, which may hold what is nobody's business."""
    about = {"method": request.method, "path": request.path, "status": response.status_code}
    access_log.info(
        "%s %s %s", *about.values(), extra={**about, "seconds": round(seconds, 4)}, stacklevel=2
    )  # fmt: skip


class Context(logging.Filter):
    """Puts the ids of the request, task and job on each line; `tag` is them in brackets, for lines that people read."""

    def filter(self, record):
        found = {name: known.get() for name, known in KNOWN.items()}
        vars(record).update(found)
        record.tag = "".join(f" [{words}]" for words in (found["job"], found["request_id"]) if words)
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, ids, what `extra` named, and the traceback."""

    def format(self, record):
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname, "logger": record.name, "message": record.getMessage(),
            "process": record.process,
            **{name: value for name in KNOWN if (value := getattr(record, name, ""))},
            **{name: value for name, value in vars(record).items() if name not in USUAL},
        }  # fmt: skip
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)


@before_task_publish.connect
def _send_along(headers=None, **kwargs):
    if headers is not None and REQUEST.get():
        headers["request_id"] = REQUEST.get()


@task_prerun.connect
def _begin(task_id=None, task=None, **kwargs):
    TASK.set(task_id or "")
    headers = task.request.headers or {}
    REQUEST.set(getattr(task.request, "request_id", None) or headers.get("request_id") or "")


@task_postrun.connect
def _end(**kwargs):
    TASK.set("")
    REQUEST.set("")
