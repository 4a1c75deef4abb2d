"""The main job without a browser: `make demo`.

Starts a platform of its own, trains on its sample dataset, deploys the model, asks it ten times over HTTP with a token,
and prints what came out. Everything goes through the HTTP API, as any program would.
"""

import io
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import requests
from PIL import Image, ImageDraw

from apps.datasets.sample import SAMPLE_SETTINGS

BASE_DIR = Path(__file__).resolve().parent.parent
PICTURE = Path("demo-result.png")
PREDICTIONS = 10
COLORS = ("#e69f00", "#56b4e9", "#009e73", "#d55e00")


class Failed(Exception):
    """The demo cannot go on; the message says why."""


class Api:
    """The platform's API with one person's or one machine's key; `renew()` gives another where it has expired."""

    def __init__(self, base, authorization=None, renew=None):
        self.base, self.session, self._renew = base, requests.Session(), renew
        if authorization:
            self.session.headers["Authorization"] = authorization

    def __call__(self, method, path, **options):
        answer = self._ask(method, path, options)
        if answer.status_code == 401 and self._renew:
            self.session.headers["Authorization"] = self._renew()
            answer = self._ask(method, path, options)
        if not answer.ok:
            raise Failed(f"{method} {path} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.content

    def _ask(self, method, path, options):
        return self.session.request(method, f"{self.base}/api/v1/{path}", timeout=60, **options)

    def picture(self, url):
        return self.session.get(self.base + url, timeout=60).content


def free_port():
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running_platform(data_dir, port=None):
    """A platform on `port`, or a free one: yields (process id, address) once it answers, stops it in the end."""
    port = port or free_port()
    env = os.environ | {"DATA_DIR": str(data_dir), "PORT": str(port), "HOST": "127.0.0.1"}
    with (data_dir / "platform.log").open("ab") as log:
        command = [sys.executable, "-m", "yolotrainer.supervisor"]
        process = subprocess.Popen(command, cwd=BASE_DIR, env=env, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{port}"
        _wait_until_ready(process, base, data_dir / "platform.log")
        yield process.pid, base
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(40)


def _wait_until_ready(process, base, log):
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failed(f"the platform did not start:\n{log.read_text()[-1500:]}")
        with suppress(requests.RequestException):  # it does not answer yet
            if requests.get(f"{base}/readyz", timeout=10).ok:
                return
        time.sleep(0.5)
    raise Failed("the platform did not answer within five minutes.")


def sign_in(base, data_dir):
    """The API as the demo account."""
    password = (data_dir / "demo_password").read_text()

    def signed_in():
        return "Bearer " + Api(base)("POST", "auth/login", json={"username": "demo", "password": password})["access"]

    return Api(base, signed_in(), renew=signed_in)


def train(api, dataset):
    """Train with the proposed settings, a progress bar on the way; returns the finished job."""
    wanted = dict(SAMPLE_SETTINGS)
    job = api("POST", "training/", json={
        "dataset_id": dataset["id"], "model_type": wanted.pop("model").removesuffix(".yaml"), "weights": "scratch",
        "epochs": wanted.pop("epochs"), "batch_size": wanted.pop("batch"), "img_size": wanted.pop("imgsz"),
        "learning_rate": wanted.pop("lr0"), "patience": wanted.pop("patience"), "seed": wanted.pop("seed"),
        "augmentation": wanted,
    })  # fmt: skip
    while job["status"] in ("pending", "running"):
        time.sleep(1)
        job = api("GET", f"training/{job['id']}/")
        bar("training", job["progress"], f"epoch {job['current_epoch']}/{job['epochs']}, {job['phase']}")
    return ended_well(job, job["error_message"])


def deploy(api, model_id):
    """Deploy a model; returns the job's result."""
    job = api("POST", f"models/{model_id}/deploy")
    while job["status"] in ("pending", "running"):
        time.sleep(0.5)
        job = api("GET", f"jobs/{job['id']}")
        bar("deploying", job["progress"], job["message"])
    return ended_well(job, job["error"])["result"]


def ended_well(job, error):
    print()
    if job["status"] != "completed":
        raise Failed(f"the job {job['status']}: {error}")
    return job


def bar(what, share, words):
    """A progress bar that overwrites itself; without a terminal, nothing until the end."""
    if sys.stdout.isatty():
        full = int(30 * share)
        print(f"\r  {what:>10} {'█' * full}{'░' * (30 - full)} {share:4.0%}  {words:<46.46}", end="", flush=True)


def predict(api, base, dataset, model_id):
    """Ask about ten test images with an API token; returns (milliseconds each, last picture, last answer)."""
    key = api("POST", "auth/tokens", json={"name": "demo", "scope": "infer"})["token"]
    asking = Api(base, f"Token {key}")
    images = api("GET", f"datasets/{dataset['id']}/images?split=test&page_size={PREDICTIONS}")["results"]
    times = []
    for image in images:
        picture = api.picture(image["url"])
        began = time.perf_counter()
        answer = asking("POST", "predictions/infer", files={"image": picture}, data={"model_id": model_id})
        times.append((time.perf_counter() - began) * 1000)
    return times, picture, answer


def draw(picture, answer, path):
    """Save the picture with its predictions drawn, enlarged so that they can be read."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    scale = max(1, 600 // image.width)
    image = image.resize((image.width * scale, image.height * scale), Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(image)
    for found in answer["predictions"]:
        corners = [value * scale for value in found["box"].values()]
        color = COLORS[found["class_id"] % len(COLORS)]
        pen.rectangle(corners, outline=color, width=3)
        words = f"{found['class_name']} {found['confidence']:.2f}"
        pen.rectangle([corners[0], corners[1] - 15, corners[0] + 7 * len(words), corners[1]], fill=color)
        pen.text((corners[0] + 3, corners[1] - 14), words, fill="black")
    image.save(path)


def show(metrics, job, times, proof):
    """The small table."""
    print(f"\n  {'class':<14}{'objects':>8}{'mAP50':>9}{'mAP50-95':>10}")
    for row in metrics["per_class"]:
        print(f"  {row['class_name']:<14}{row['instances']:>8}{row['mAP50']:>9.3f}{row['mAP50_95']:>10.3f}")
    overall = metrics["overall"]
    print(f"  {'all':<14}{'':>8}{overall['mAP50']:>9.3f}{overall['mAP50_95']:>10.3f}")
    print(f"\n  training            {job['training_time']:.0f} s for {job['current_epoch']} epochs")
    print(f"  export proven       {proof['boxes_found']} of {proof['boxes_expected']} boxes as the weights find them")
    median = statistics.median(times)
    print(f"  predictions         {len(times)} over HTTP, median {median:.1f} ms (first {times[0]:.1f} ms)")
    print(f"  picture with boxes  {PICTURE}\n")


def main():
    with tempfile.TemporaryDirectory(prefix="yolotrainer-demo-") as folder:
        print("  starting a platform of its own …")
        try:
            with running_platform(Path(folder)) as (_, base):
                do_the_job(base, Path(folder))
        except Failed as reason:
            sys.exit(f"The demo failed: {reason}")


def do_the_job(base, data_dir):
    """Train on the sample, deploy, predict, show."""
    api = sign_in(base, data_dir)
    dataset = api("GET", "datasets/?search=sample")["results"][0]
    print(f"  “{dataset['name']}”: {dataset['num_images']} images, {dataset['num_classes']} classes")
    job = train(api, dataset)
    proof = deploy(api, job["model_id"])
    times, picture, answer = predict(api, base, dataset, job["model_id"])
    draw(picture, answer, PICTURE)
    show(api("GET", f"models/{job['model_id']}/metrics"), job, times, proof)


if __name__ == "__main__":
    main()
