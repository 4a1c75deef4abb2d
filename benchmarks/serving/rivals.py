"""Eight clients at once, on us and on what users write by hand, in turns."""

import os
import signal
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from yolotrainer.demo import free_port

from .clients import Server, measure_many, multipart

CLIENTS = 8
HERE = Path(__file__).resolve().parent
# What each is held against: our images a second are to be at least so many times theirs.
WANTED = {"FastAPI, .pt": 3, "LitServe, .pt, 1 worker": 2, "LitServe, .pt, 2 workers": 2, "FastAPI, OpenVINO": 1.3}


def compare(options, setup, folder):
    """All servers at once, one asked at a time; prints medians of the rounds."""
    python = options.bench_python
    missing = subprocess.run([python, "-c", "import fastapi, uvicorn, litserve, multipart"], capture_output=True)
    if missing.returncode:
        print(f"{setup.size:>4}  8 clients: skipped, fastapi or litserve is missing from {python}")
        print("      (python -m venv V && V/bin/pip install -r requirements.txt -r benchmarks/requirements-bench.txt;")
        print("      then --bench-python V/bin/python)")
        return
    exported = export_openvino(python, setup, folder)
    commands = {
        "FastAPI, .pt": ["rival.py", "--weights", setup.weights],
        "LitServe, .pt, 1 worker": ["rival_litserve.py", "--weights", setup.weights],
        "LitServe, .pt, 2 workers": ["rival_litserve.py", "--weights", setup.weights, "--workers", "2"],
        "FastAPI, OpenVINO": ["rival.py", "--weights", exported],
    }
    images = [Path(path).read_bytes() for path in setup.paths]
    sides = {"predictions/infer": (setup.server, [multipart(one, setup.model) for one in images])}
    with ExitStack() as stack:
        for name, command in commands.items():
            base = stack.enter_context(serving(python, [*command, "--size", setup.size], folder))
            sides[name] = (Server(base, "/predict"), [multipart(one) for one in images])
        rows = {name: [] for name in sides}
        for _ in range(options.rounds):
            for name, (server, bodies) in sides.items():
                rows[name].append(measure_many(server, bodies, CLIENTS, options.seconds))
    ours = statistics.median(row["rate"] for row in rows["predictions/infer"])
    for name, some in rows.items():
        rate, p50 = (statistics.median(row[key] for row in some) for key in ("rate", "p50"))
        wanted = f"of them we are {ours / rate:.2f}× (wanted {WANTED[name]}×)" if name in WANTED else ""
        print(f"{setup.size:>4}  {CLIENTS} clients, {name:<26}{p50:>8.1f}{rate:>10.1f}   {wanted}", flush=True)


def export_openvino(python, setup, folder):
    """The folder that a user gets of `YOLO(weights).export(format="openvino")`."""
    made = f"YOLO({str(setup.weights)!r}).export(format='openvino', imgsz={setup.size})"
    code = f"from ultralytics import YOLO; print({made})"
    done = subprocess.run([python, "-c", code], env=environment(folder), check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


@contextmanager
def serving(python, arguments, folder):
    """A rival's server on a free port; yields its address once it answers."""
    port = free_port()
    command = [python, str(HERE / arguments[0]), *map(str, arguments[1:]), "--port", str(port)]
    with (folder / f"rival-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env=environment(folder), start_new_session=True
        )
    try:
        base, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
        while not answers(base):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{' '.join(command)} did not start: {(folder / f'rival-{port}.log').read_text()[-800:]}")
            time.sleep(0.3)
        yield base
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(base):
    try:
        return requests.get(f"{base}/docs", timeout=5).ok
    except requests.RequestException:
        return False


def environment(folder):
    return os.environ | {"YOLO_CONFIG_DIR": str(folder / "yolo"), "YOLO_OFFLINE": "1"}
