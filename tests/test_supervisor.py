"""What the supervisor checks before it starts anything."""

import shutil
from collections import namedtuple

import pytest

from tests.e2e.conftest import find_chromium
from yolotrainer import supervisor

Usage = namedtuple("Usage", "total used free")


def test_a_full_disk_is_said_with_how_much_is_needed(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 10, 3 * 2**20))
    with pytest.raises(supervisor.CannotStart, match="Only 3 MB are free"):
        supervisor.check_machine("127.0.0.1", 0, tmp_path)


def test_a_second_platform_on_the_same_folder_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    with supervisor.one_platform_per_folder(tmp_path), pytest.raises(supervisor.CannotStart, match="already"):
        supervisor.one_platform_per_folder(tmp_path)
    supervisor.one_platform_per_folder(tmp_path).close()


def test_a_process_that_keeps_dying_is_started_again_with_growing_pauses(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    said = []
    child = supervisor.Child("web", ["false"], lambda name, line: said.append(line))
    monkeypatch.setattr(child, "start", lambda: setattr(child, "started", now[0]))
    child.process = namedtuple("Dead", "poll returncode")(lambda: 1, 1)
    pauses = []
    for _ in range(6):
        child.watch()
        pauses.append(child.pause)
        now[0] += child.pause
        child.watch()
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30]
    assert "it starts again in 1 s" in said[0]


def test_a_chromium_is_looked_for_by_its_usual_names(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/somewhere/{name}" if name == "chromium-browser" else None)
    assert find_chromium() == "/somewhere/chromium-browser"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert find_chromium() is None
