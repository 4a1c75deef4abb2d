"""The registry against the real ultralytics, and weights brought by command."""

import http.server
import io
import json
import threading
import zipfile

import pytest
from django.core.management import CommandError, call_command

from apps.core.processes import Engine
from apps.training.registry import FAMILIES, MODEL_TYPES, architectures, family_of
from apps.training.weights import weights_path


def test_every_size_of_every_family_has_measured_costs():
    assert set(architectures()) == set(MODEL_TYPES)
    assert {family.name for family in FAMILIES} == {
        "YOLOv8", "YOLOv9", "YOLOv10", "YOLO11", "YOLO12", "YOLO26", "RT-DETR",
    }  # fmt: skip
    for architecture in architectures().values():
        assert min(architecture.parameters_m, architecture.gflops, architecture.activation_mb) > 0
        assert architecture.family.licence.startswith("AGPL-3.0")
    assert family_of("resnet50") is None


@pytest.mark.parametrize("name", ["yolov8n", "yolov9t"])
def test_the_committed_figures_are_those_of_the_real_network(name, tmp_path):
    payload = {"architectures": [name], "config_dir": str(tmp_path)}
    with Engine("apps.training.engine.measure", payload, tmp_path, tmp_path / "log.txt") as engine:
        events = [event for event in engine.events() if event]
    assert [event["event"] for event in events] == ["measured", "finished"]
    committed = architectures()[name]
    for figure in ("parameters_m", "gflops", "activation_mb"):
        assert events[0][figure] == pytest.approx(getattr(committed, figure), rel=0.02)


def test_measuring_an_unknown_architecture_is_refused_by_name():
    with pytest.raises(CommandError, match=r"resnet.*yolov8n"):
        call_command("measure_architectures", "resnet")


# --- manage.py fetch_weights ---------------------------------------------------------------------------------
@pytest.fixture
def folder(settings, tmp_path):
    settings.WEIGHTS_DIR = tmp_path / "weights"
    return settings.WEIGHTS_DIR


@pytest.fixture
def shelf(monkeypatch):
    """A real server on loopback: `shelf[name]` is what it answers; everything else is 404."""
    files = {}

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            data = files.get(self.path.strip("/"))
            self.send_response(404 if data is None else 200)
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("apps.training.weights.ASSETS", f"http://127.0.0.1:{server.server_port}/{{name}}.pt")
    yield files
    server.shutdown()
    server.server_close()


def checkpoint():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("data.pkl", b"weights")
    return out.getvalue()


def fetch(*names):
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("fetch_weights", *names, stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), ""


def test_weights_are_downloaded_once_and_listed(folder, shelf):
    shelf["yolo11n.pt"] = checkpoint()
    out, _, error = fetch("yolo11n")
    assert (str(folder / "yolo11n.pt") in out, error) == (True, "")
    assert weights_path("yolo11n").read_bytes() == shelf.pop("yolo11n.pt")
    assert "was here already" in fetch("yolo11n")[0]
    lines = fetch("--list")[0].splitlines()
    assert [line.split()[0] for line in lines if " here " in line] == ["yolo11n"]
    assert len(lines) == len(MODEL_TYPES) + 1


def test_what_cannot_be_downloaded_says_in_one_line_where_to_put_it(folder, shelf):
    shelf["yolov8n.pt"] = b"<html>a portal that wants a password</html>"
    _, err, error = fetch("yolo11n", "yolov8n")
    lines = err.splitlines()
    assert len(lines) == 2
    for line, name in zip(lines, ("yolo11n.pt", "yolov8n.pt"), strict=True):
        assert name in line
        assert str(folder) in line
    assert "2 of 2" in error
    assert not list(folder.glob("*.pt"))
    assert not list(folder.glob(".draft*"))


def test_unknown_weights_are_refused_by_name(folder, shelf):
    assert "yolo99" in fetch("yolo99")[2]


def test_the_table_says_which_ultralytics_it_was_measured_with():
    from apps.training.registry import TABLE

    assert json.loads(TABLE.read_text())["ultralytics"]
