"""Lines of the log: which request, task and job they belong to, as text and as JSON."""

import json
import logging
import os
import subprocess
import sys

import pytest
from celery import current_app, shared_task
from django.conf import settings as django_settings

from apps.core.jobs import create_job, run_job
from apps.core.logs import JOB, REQUEST, Context, JsonFormatter, _send_along

LOG = logging.getLogger("apps.some")


@pytest.fixture
def lines():
    """What is logged, as JSON objects."""
    found = []

    class Keep(logging.Handler):
        def emit(self, record):
            found.append(json.loads(JsonFormatter().format(record)))

    handler = Keep()
    handler.addFilter(Context())
    logging.getLogger().addHandler(handler)
    yield found
    logging.getLogger().removeHandler(handler)


@pytest.mark.parametrize("given", ["abcdef12", "0b5c-77.x_Y" * 3])
def test_a_sane_id_of_the_caller_is_kept_and_answered(client, given):
    assert client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space1", "new\nline12", "{}[]<>\"'12", "ümlaut12"])
def test_another_id_is_replaced(client, given):
    answered = client.get("/healthz", headers={"X-Request-ID": given}).headers["X-Request-ID"]
    assert answered != given
    assert len(answered) == 32


def test_two_requests_have_two_ids_and_nothing_is_left_behind(client):
    first, second = (client.get("/healthz").headers["X-Request-ID"] for _ in range(2))
    assert first != second
    assert REQUEST.get() == ""


def test_answers_are_logged_where_that_is_wanted_without_their_query(client, settings, lines):
    client.get("/healthz?secret=1")
    assert lines == []
    settings.ACCESS_LOG = True
    request_id = client.get("/healthz?secret=1").headers["X-Request-ID"]
    (line,) = lines
    assert (line["method"], line["path"], line["status"], line["request_id"]) == ("GET", "/healthz", 200, request_id)
    assert line["seconds"] >= 0
    assert "secret" not in str(line)


def test_a_line_of_json_has_its_traceback_and_what_was_named(lines):
    try:
        raise ValueError("why")
    except ValueError:
        LOG.exception("it %s", "failed", extra={"dataset": 3})
    (line,) = lines
    assert (line["level"], line["logger"], line["message"], line["dataset"]) == ("ERROR", "apps.some", "it failed", 3)
    assert line["traceback"].endswith("ValueError: why")
    assert "request_id" not in line


def test_a_line_of_text_names_request_and_job():
    record = logging.makeLogRecord({"msg": "it is done", "levelname": "INFO"})
    request, job = REQUEST.set("abcdef12"), JOB.set("import 7")
    Context().filter(record)
    REQUEST.reset(request)
    JOB.reset(job)
    assert (
        logging.Formatter("%(levelname)s%(tag)s %(message)s").format(record) == "INFO [import 7] [abcdef12] it is done"
    )


@pytest.mark.django_db
def test_the_lines_of_a_job_name_it(alice, lines, monkeypatch):
    monkeypatch.setattr(current_app, "send_task", lambda *args, **kw: None)
    job = create_job(alice, "import", "a.task")
    run_job(job.pk, lambda job, report: LOG.info("half way") or {})
    assert [line["job"] for line in lines if line["message"] == "half way"] == [f"import {job.pk}"]
    assert JOB.get() == ""


@shared_task(name="test.say_which_request")
def say_which_request():
    LOG.info("working")


def test_a_task_knows_the_request_that_sent_it(lines):
    held = REQUEST.set("abcdef12")
    headers = {}
    _send_along(headers=headers)
    REQUEST.reset(held)
    assert headers == {"request_id": "abcdef12"}
    say_which_request.apply(headers=headers)
    (line,) = [line for line in lines if line["message"] == "working"]
    assert line["request_id"] == "abcdef12"
    assert len(line["task_id"]) == 36
    assert REQUEST.get() == ""


def started(**environment):
    """The error output of a start with these settings."""
    command = [sys.executable, "-c", "from django.conf import settings; settings.DEBUG; print('started')"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "yolotrainer.settings", **environment}
    return subprocess.run(command, env=environment, cwd=django_settings.BASE_DIR, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("name", "value"), [("LOG_FORMAT", "xml"), ("LOG_LEVEL", "LOUD"), ("OUTGOING_PRIVATE_NETWORKS", "10.0.0.0/99")]
)
def test_a_wrong_setting_stops_the_start_with_one_clear_line(name, value):
    assert f"{name}=" in started(**{name: value}).stderr.splitlines()[-1]


def test_sentry_is_told_nothing_of_persons(tmp_path):
    (tmp_path / "sentry_sdk.py").write_text(
        "import json\n"
        "def init(before_send, **options):\n"
        "    event = {'user': {'id': 1}, 'request': {'url': '/x', 'cookies': 'c', 'headers': {}, 'data': 'd'}}\n"
        "    print(json.dumps([options, before_send(event)]))\n"
    )
    done = started(SENTRY_DSN="https://key@errors.example/1", PYTHONPATH=str(tmp_path))
    options, event = json.loads(done.stdout.splitlines()[0])
    assert options["dsn"] == "https://key@errors.example/1"
    assert (options["send_default_pii"], options["include_local_variables"]) == (False, False)
    assert event == {"request": {"url": "/x"}}


def test_sentry_without_its_package_stops_the_start_with_one_clear_line(tmp_path):
    (tmp_path / "sentry_sdk.py").write_text("raise ImportError")
    done = started(SENTRY_DSN="https://key@errors.example/1", PYTHONPATH=str(tmp_path))
    assert "pip install sentry-sdk" in done.stderr.splitlines()[-1]


def test_sentry_is_not_imported_where_it_is_not_asked_for(tmp_path):
    (tmp_path / "sentry_sdk.py").write_text("raise RuntimeError('imported')")
    assert started(PYTHONPATH=str(tmp_path), SENTRY_DSN="").stdout.strip() == "started"
