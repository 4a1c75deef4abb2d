"""Folders of work: gone at its end, and after a kill."""

import os
import subprocess
import sys
import time

import pytest

from apps.core import scratch
from apps.core.scratch import scratch_folder, sweep_scratch

HOLD = """
import django, sys
django.setup()
from apps.core.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "half").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def work_dir(settings, tmp_path, monkeypatch):
    settings.WORK_DIR = tmp_path
    monkeypatch.setattr(scratch, "JUST_MADE_SECONDS", 0)
    return tmp_path


def test_a_folder_is_there_for_the_block_and_gone_after_it(work_dir):
    with scratch_folder() as folder:
        (folder / "sub").mkdir()
        assert (sweep_scratch(), folder.is_dir()) == (0, True)
    assert not list(work_dir.glob("scratch/*"))


def test_a_folder_goes_with_a_block_that_fails(work_dir):
    def fails():
        with scratch_folder() as folder:
            (folder / "half").write_text("x")
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        fails()
    assert not list(work_dir.glob("scratch/*"))


def test_a_folder_is_swept_only_once_its_process_is_dead(settings, work_dir):
    env = os.environ | {"DATA_DIR": str(work_dir / "data"), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings"}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], cwd=settings.BASE_DIR, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    folder = holder.stdout.readline().decode().strip()
    settings.WORK_DIR = work_dir / "data" / "work"
    assert (sweep_scratch(), os.path.isdir(folder)) == (0, True)
    holder.kill()
    holder.communicate()
    assert (sweep_scratch(), os.path.isdir(folder)) == (1, False)


def test_a_folder_that_was_just_made_is_left_alone(work_dir, monkeypatch):
    monkeypatch.setattr(scratch, "JUST_MADE_SECONDS", 60)
    (work_dir / "scratch" / "new").mkdir(parents=True)
    assert sweep_scratch() == 0
    later = time.time() + 100
    monkeypatch.setattr(time, "time", lambda: later)
    assert sweep_scratch() == 1
