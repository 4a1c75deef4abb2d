"""The code on a deployment's page, taken from the page and run as it stands, against a server that listens."""

import html
import os
import re
import shutil
import subprocess
import sys

import pytest

from apps.accounts.services import create_token
from apps.inference import services
from apps.inference.models import Deployment
from apps.inference.samples import code_samples
from conftest import picture

HOSTILE = """it's "<b>" $(touch pwned) `touch pwned` \\ %41&model_id=1; @x"""


@pytest.fixture
def folder(tmp_path, live_server, deployment, alice, page_as):
    """A folder with picture.jpg and the samples of the page; the deployment has a name that no language likes."""
    Deployment.objects.update(name=HOSTILE)
    _, key = create_token(alice, "camera 7", "infer")
    page = page_as(alice).get(f"/deployments/{deployment.pk}", headers={"host": live_server.url.split("//")[1]})
    for name, suffix in (("curl", "sh"), ("python", "py"), ("javascript", "mjs")):
        code = re.search(rf'<code id="call-{name}">(.*?)</code>', page.content.decode(), re.DOTALL)[1]
        (tmp_path / f"ask.{suffix}").write_text(html.unescape(code))
    (tmp_path / "picture.jpg").write_bytes(picture(100, 50, format="JPEG"))
    (tmp_path / "key").write_text(key)
    return tmp_path


def run(folder, *command):
    environment = {"PATH": os.environ["PATH"], "YOLO_TOKEN": (folder / "key").read_text()}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not (folder / "pwned").exists()
    return done.stdout


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl here")
def test_the_sample_for_curl_answers_and_draws_the_boxes(folder, deployment):
    said = run(folder, "sh", "ask.sh")
    assert '"class_name":"red"' in said.replace(": ", ":")
    assert (folder / "boxes.jpg").read_bytes()[:3] == b"\xff\xd8\xff"


def test_the_sample_for_python_prints_what_was_found(folder):
    assert run(folder, sys.executable, "ask.py").splitlines()[0].startswith("red 0.9 {'x1': 40.0")


@pytest.mark.skipif(not shutil.which("node"), reason="no Node here")
def test_the_sample_for_javascript_prints_what_was_found(folder):
    assert run(folder, "node", "ask.mjs").startswith("red 0.9")


def test_a_tokens_name_does_not_leave_its_comment():
    for _, _, code in code_samples("http://x/infer", ("model", "a"), "x\ntouch pwned\u2028y"):
        assert "“x touch pwned y”" in code.splitlines()[0]


def test_the_samples_ask_by_id_where_a_model_is_meant(deployment, page_as, alice):
    services.deploy_model(deployment.model, alice)
    panel = page_as(alice).get(f"/models/{deployment.model_id}/deployment").content.decode()
    assert f"model_id={deployment.model_id}" in panel
