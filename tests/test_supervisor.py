"""What the supervisor checks before it starts anything."""

import json
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from contextlib import closing

import pytest

from tests.e2e.conftest import find_chromium
from yolotrainer import supervisor
from yolotrainer.household import Household, Occupied

Usage = namedtuple("Usage", "total used free")


def test_a_full_disk_is_said_with_how_much_is_needed(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10, 10, 3 * 2**20))
    with pytest.raises(supervisor.CannotStart, match="Only 3 MB are free"):
        supervisor.check_machine("127.0.0.1", 0, tmp_path)


def test_where_it_listens_may_stand_in_the_file_of_settings(monkeypatch, tmp_path):
    monkeypatch.setattr(supervisor, "BASE_DIR", tmp_path)
    (tmp_path / ".env").write_text("HOST=127.0.0.2\nPORT=8123\n")
    for name in ("HOST", "PORT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)  # and what the file sets is taken back at the end
    assert supervisor.listen_address() == ("127.0.0.2", 8123)
    monkeypatch.setenv("PORT", "8124")
    assert supervisor.listen_address() == ("127.0.0.2", 8124)


def test_a_log_in_json_greets_in_json_and_keeps_the_password_out(capsys):
    platform = supervisor.Platform("0.0.0.0", 8123, None, as_json=True)  # noqa: S104
    platform.greet("the password is hush", 3)
    (line,) = capsys.readouterr().out.splitlines()
    message = "YOLO Trainer runs at http://127.0.0.1:8123 (ready after 3.0 s)"
    assert json.loads(line) == {"process": "platform", "message": message}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path


@pytest.fixture
def child_of_a_killed_supervisor(folder):
    """A process that holds the children's lock, as after a SIGKILL of its supervisor; ends where its stdin does."""
    household = Household(folder)
    program = (
        "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
        pass_fds=household.inherited,
    )  # fmt: skip
    household.note(child.pid)
    child.stdout.readline()
    household.close()
    yield child
    child.kill()
    child.stdin.close()
    child.stdout.close()
    child.wait()


def test_a_second_platform_on_the_same_folder_is_refused(folder):
    with closing(Household(folder)), pytest.raises(Occupied, match="already"):
        Household(folder)
    Household(folder).close()


def test_a_platform_waits_for_the_children_of_one_that_was_killed(folder, child_of_a_killed_supervisor):
    child = child_of_a_killed_supervisor
    said = []
    with closing(Household(folder, say=lambda line: (said.append(line), child.stdin.close()), patience=600)):
        assert child.wait(60) == 0
    assert "still ending" in said[0]


def test_children_of_a_killed_platform_that_do_not_end_are_killed(folder, child_of_a_killed_supervisor):
    with closing(Household(folder, say=str, patience=0)):
        assert child_of_a_killed_supervisor.wait(60) == -signal.SIGKILL


def test_a_process_that_only_has_the_number_of_a_former_child_is_left_alone(folder, child_of_a_killed_supervisor):
    notes = folder / "run" / "children.lock"
    notes.write_text(f"{child_of_a_killed_supervisor.pid} 1.0\n")
    with pytest.raises(Occupied, match="do not end"):
        Household(folder, say=str, patience=0, patience_after_kill=0)
    assert child_of_a_killed_supervisor.poll() is None


def test_a_process_that_keeps_dying_is_started_again_with_growing_pauses(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(supervisor.time, "monotonic", lambda: now[0])
    said = []
    child = supervisor.Child("web", ["false"], lambda name, line: said.append(line), household=None)
    monkeypatch.setattr(child, "start", lambda: setattr(child, "started", now[0]))
    ended = []
    monkeypatch.setattr(supervisor.os, "killpg", lambda pid, number: ended.append((pid, number)))
    child.process = namedtuple("Dead", "pid poll returncode")(7, lambda: 1, 1)
    pauses = []
    for _ in range(6):
        child.watch()
        pauses.append(child.pause)
        now[0] += child.pause
        child.watch()
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30]
    assert "it starts again in 1 s" in said[0]
    assert ended == [(7, signal.SIGKILL)] * 6  # with all that it left behind


def test_a_chromium_is_looked_for_by_its_usual_names(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/somewhere/{name}" if name == "chromium-browser" else None)
    assert find_chromium() == "/somewhere/chromium-browser"
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert find_chromium() is None
