"""Metrics: counted by route, asked when they are read, told only to whom may see inside."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import timedelta

import pytest
import redis
import yaml
from django.conf import settings as django_settings
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from apps.core import health, work
from apps.core.jobs import create_job, run_job
from apps.core.metrics import ended
from apps.core.metrics.now import SOURCES, now
from apps.core.models import Job

DEPLOY = django_settings.BASE_DIR / "docs" / "deploy"


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch):
    """Nothing is kept from another test; parts and workers are those of a platform that runs."""
    monkeypatch.setattr(health, "ask_all", lambda: {"database": "ok", "disk": "only 3 MB free"})
    monkeypatch.setattr(health, "workers_by_queue", lambda: {"default": 2, "inference": 1, "training": 0})
    now.forget()
    yield
    now.forget()


def told(client):
    """`{(name, label values in order of their names): value}` of all that is told."""
    now.forget()
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


@pytest.mark.django_db
def test_requests_are_counted_by_route_method_and_status_never_by_path(client):
    before = told(client)
    for number in range(3):
        client.get(f"/jobs/{900 + number}/")
    client.generic("BREW", "/api/v1/auth/login")
    after = told(client)
    route = "jobs/<int:pk>/"
    assert after["yolo_http_requests_total", "GET", route, "302"] - before.get(
        ("yolo_http_requests_total", "GET", route, "302"), 0
    ) == 3  # fmt: skip
    assert ("yolo_http_request_seconds_count", "GET", route) in after
    assert ("yolo_http_requests_total", "other", "api/v1/auth/login", "405") in after
    assert not [key for key in after if "901" in str(key)]


@pytest.mark.django_db
def test_queries_are_counted(alice, page_as, client):
    key = "yolo_http_queries_total", "GET", "webhooks"
    before = told(client).get(key, 0)
    page_as(alice).get("/webhooks")
    assert told(client)[key] - before == 3


@pytest.mark.django_db
def test_open_jobs_are_told_by_state_and_kind_and_what_waits_by_queue(alice, client, monkeypatch):
    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **kw: None)
    task = "apps.annotations.tasks.import_archive"
    waiting = create_job(alice, "import", task)
    Job.objects.filter(pk=waiting.pk).update(created_at=timezone.now() - timedelta(seconds=90))
    create_job(alice, "import", task)
    work.claim(Job, create_job(alice, "batch", "apps.inference.tasks.batch").pk)
    found = told(client)
    assert found["yolo_jobs", "import", "pending"] == 2
    assert found["yolo_jobs", "batch", "running"] == 1
    assert found["yolo_queue_jobs", "default"] == 2
    assert found["yolo_queue_jobs", "inference"] == 0
    assert 90 <= found["yolo_queue_oldest_seconds", "default"] < 600
    assert found["yolo_queue_oldest_seconds", "training"] == 0
    assert found["yolo_workers", "default"] == 2
    assert (found["yolo_part_ready", "database"], found["yolo_part_ready", "disk"]) == (1, 0)


@pytest.mark.django_db
def test_ends_are_counted_when_the_transaction_is_kept(alice, client, django_capture_on_commit_callbacks, monkeypatch):
    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **kw: None)
    before = told(client)
    with django_capture_on_commit_callbacks(execute=True):
        run_job(create_job(alice, "import", "a.task").pk, lambda job, report: {})
        run_job(create_job(alice, "import", "a.task").pk, lambda job, report: 1 / 0)
        work.cancel(create_job(alice, "import", "a.task"))
    after = told(client)
    for state in ("completed", "failed", "cancelled"):
        key = "yolo_jobs_ended_total", "import", state
        assert after[key] - before.get(key, 0) == 1


def test_an_end_that_redis_does_not_take_is_not_missed_by_the_job(monkeypatch, tmp_path):
    away = redis.Redis(unix_socket_path=str(tmp_path / "nobody.sock"))
    monkeypatch.setattr(ended, "shared_redis", lambda: away)
    ended._count("import|completed")


@pytest.mark.django_db
def test_a_source_that_fails_is_named_and_the_others_are_told(client, monkeypatch):
    def broken():
        raise RuntimeError("away")

    monkeypatch.setitem(SOURCES, "webhooks", broken)
    found = told(client)
    assert found["yolo_metrics_source_up", "webhooks"] == 0
    assert found["yolo_metrics_source_up", "jobs"] == 1
    assert ("yolo_queue_jobs", "default") in found


@pytest.mark.django_db
def test_strangers_are_refused_in_words(client, settings, alice, operator, page_as):
    settings.METRICS_TOKEN = "t0ken"
    assert client.get("/metrics").status_code == 403
    assert b"METRICS_TOKEN" in client.get("/metrics").content
    assert page_as(alice).get("/metrics").status_code == 403
    assert page_as(operator).get("/metrics").status_code == 200
    assert client.get("/metrics", headers={"Authorization": "Bearer t0ken"}).status_code == 200
    assert client.post("/metrics").status_code == 405


PROCESS = """
import sys
sys.path.insert(0, {base!r})
from apps.core.metrics.meters import HTTP_REQUESTS, REGISTRY, counted
from prometheus_client import Gauge, generate_latest
held = Gauge("held", "-", multiprocess_mode="livesum", registry=REGISTRY)
if sys.argv[1] == "count":
    HTTP_REQUESTS.labels("a", "GET", 200).inc(3)
    held.set(7)
else:
    print(generate_latest(counted()).decode())
"""


def test_processes_that_share_a_folder_are_told_as_one_and_the_dead_hold_nothing(tmp_path):
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    script = PROCESS.format(base=str(django_settings.BASE_DIR))

    def run(what):
        command = [sys.executable, "-c", script, what]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    run("count")
    run("count")
    text = run("tell")
    assert 'yolo_http_requests_total{method="GET",route="a",status="200"} 6.0' in text
    assert "held 7.0" not in text
    assert "held 14.0" not in text


def expressions():
    """All PromQL of the dashboard and of the alert rules."""
    dashboard = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())
    found = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    found += [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    return found + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def exported(client):
    """`{name as it is asked for: its family}` of all that the platform tells, with samples or without."""
    now.forget()
    families = list(text_string_to_metric_families(client.get("/metrics").content.decode()))
    names = {}
    for family in families:
        ends = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}.get(family.type, ("",))
        names |= {family.name + end: family.name for end in ends}
    return {name: family for name, family in names.items() if name.startswith("yolo_")}


@pytest.mark.django_db
def test_the_dashboard_and_the_alerts_use_what_is_exported_and_all_of_it(client):
    names = exported(client)
    used = set(re.findall(r"\byolo_\w+", " ".join(expressions())))
    assert len(used) > 15
    assert used - set(names) == set()
    assert set(names.values()) - {names[name] for name in used} == set()


@pytest.mark.django_db
def test_labels_that_are_asked_for_exist(client):
    labels = {}
    for family in text_string_to_metric_families(client.get("/metrics").content.decode()):
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    for expression in expressions():
        for name, asked in re.findall(r"\b(yolo_\w+)\{([^}]*)\}", expression):
            wanted = set(re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", asked)) - {"job", "instance"}
            assert name not in labels or wanted <= labels[name] | {"le"}, expression


@pytest.mark.django_db
def test_the_page_names_every_metric(client):
    page = (DEPLOY / "monitoring.md").read_text()
    names = exported(client)
    missing = {family for name, family in names.items() if f"`{name}`" not in page and f"`{family}`" not in page}
    assert missing == set()


def test_alerts_have_what_prometheus_asks_for():
    rules = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"][0]["rules"]
    for rule in rules:
        assert {"alert", "expr", "labels", "annotations"} <= set(rule)
        assert rule["expr"].count("(") == rule["expr"].count(")")
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_each_alert_has_a_case_in_which_it_fires():
    rules = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"][0]["rules"]
    cases = yaml.safe_load((DEPLOY / "prometheus-alerts.test.yml").read_text())["tests"]
    fires = {asked["alertname"] for case in cases for asked in case["alert_rule_test"] if asked.get("exp_alerts")}
    assert fires == {rule["alert"] for rule in rules}


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool, of Prometheus, is not here")
def test_alerts_fire_when_they_should():
    subprocess.run(["promtool", "test", "rules", DEPLOY / "prometheus-alerts.test.yml"], check=True)
