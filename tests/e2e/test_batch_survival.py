"""A batch on a video under SIGKILL, with the processes that run in production."""

import sqlite3
import time

import pytest
import requests

from apps.inference.tests.films import film
from tests.e2e.conftest import ended

pytestmark = [pytest.mark.platform, pytest.mark.xdist_group("platform")]
FRAMES = 1500


def ask(platform, query, *values):
    with platform.database() as db:
        return db.execute(query, values).fetchall()


def wait_for_answers(platform, job_id, least):
    deadline = time.monotonic() + 120
    while True:
        ((status, count),) = ask(
            platform,
            "SELECT status, (SELECT COUNT(*) FROM inference_batchanswer WHERE job_id = j.id) "
            "FROM core_job j WHERE id = ?",
            job_id,
        )
        assert status in ("pending", "running"), f"it was {status} before it could be killed"
        assert time.monotonic() < deadline, f"{count} answers"
        if count >= least:
            return
        time.sleep(0.01)


def call_it_dead(platform, job_id):
    """The silence after which the platform takes a worker for dead, without waiting for it."""
    db = sqlite3.connect(platform.data_dir / "platform.sqlite3", timeout=20)
    with db:
        db.execute("UPDATE core_job SET heartbeat_at = '2020-01-01 00:00:00' WHERE id = ?", [job_id])
    db.close()


def test_a_video_whose_worker_is_killed_is_answered_once_and_counted_once(platform, deployed_model):
    token = platform.api("POST", "auth/tokens", json={"name": "films", "requests_per_day": 1_000_000}).json()
    answer = requests.post(
        f"{platform.url}/api/v1/predictions/batch",
        headers={"Authorization": f"Token {token['token']}"},
        data={"model_id": deployed_model, "tracks": "false", "draw": "false"},
        files={"video": ("film.mp4", film(FRAMES, size=(320, 240)))},
        timeout=60,
    )
    assert answer.status_code == 202, answer.text
    job_id = answer.json()["id"]
    wait_for_answers(platform, job_id, least=100)
    platform.kill("worker")
    before = ask(platform, "SELECT id, number FROM inference_batchanswer WHERE job_id = ? ORDER BY number", job_id)
    assert 100 <= len(before) < FRAMES
    call_it_dead(platform, job_id)

    job = ended(platform, f"jobs/{job_id}")
    rows = ask(
        platform, "SELECT id, number, frame, error FROM inference_batchanswer WHERE job_id = ? ORDER BY number", job_id
    )
    assert [row[1:] for row in rows] == [(n + 1, n, "") for n in range(FRAMES)]
    assert [row[:2] for row in rows[: len(before)]] == before  # what was stored is not answered again
    assert job["result"]["figures"]["frames"] == FRAMES
    assert ask(platform, "SELECT attempts FROM core_job WHERE id = ?", job_id) == [(2,)]
    (usage,) = (one for one in platform.api("GET", "auth/tokens/usage").json()["tokens"] if one["name"] == "films")
    assert (usage["total"]["requests"], usage["used_today"]) == (FRAMES, FRAMES)
