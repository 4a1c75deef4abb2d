"""The whole platform as it runs in production, and a real browser in front of it."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.e2e.labelling import Labelling
from tests.shared import made_once

expect.set_options(timeout=60_000)  # a crowded machine is slow, and a test that passes never waits so long
BASE_DIR = Path(__file__).resolve().parents[2]
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]  # fmt: skip


def find_chromium():
    """The Chromium of this machine, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next(filter(None, map(shutil.which, names)), None)


def pytest_collection_modifyitems(items):
    missing = pytest.mark.skip(reason="no Chromium here; on Debian: apt-get install chromium")
    for item in items:
        if item.get_closest_marker("browser") and not find_chromium():
            item.add_marker(missing)


class RunningPlatform:
    """A platform in a data folder of its own, on a free port."""

    def __init__(self, data_dir, **environment):
        self.data_dir, self.environment = Path(data_dir), environment
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    @classmethod
    def prepared(cls, data_dir, **environment):
        """One whose data folder is that of a platform which was started once: migrations and sample take longest."""
        folder = made_once("prepared platform", _start_and_stop)
        shutil.copytree(folder, data_dir, dirs_exist_ok=True, ignore=shutil.ignore_patterns("run", "platform.log"))
        return cls(data_dir, **environment)

    def start(self):
        """Returns once it is ready; one that does not get there is stopped."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "S3_BUCKET")}
        env |= {"DATA_DIR": str(self.data_dir), "PORT": str(self.port), "HOST": "127.0.0.1"} | self.environment
        self.log_path = self.data_dir / "platform.log"
        self.log_path.unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "yolotrainer.supervisor"], cwd=BASE_DIR, env=env, stdout=log, stderr=log
            )
        try:
            self._wait_until_ready()
        except BaseException:  # a test run that was given up, too, leaves no platform behind
            self.stop()
            raise

    def _wait_until_ready(self):
        deadline = time.monotonic() + 900  # a first start on a machine that others use takes minutes
        while "ready after" not in self.log():
            assert self.process.poll() is None, self.log()[-3000:]
            assert time.monotonic() < deadline, self.log()[-3000:]
            time.sleep(0.2)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """SIGTERM, as Ctrl+C and service managers do; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def children(self):
        """`{name: pid}` of its processes."""
        found = {}
        listed = subprocess.run(["ps", "-wweo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
        for line in listed.splitlines()[1:]:
            pid, parent, args = line.split(None, 2)
            if int(parent) == self.process.pid:
                name = "web" if "gunicorn" in args else "worker" if "default,inference" in args else args.split()[-1]
                found[name] = int(pid)
        return found

    def kill(self, name):
        """SIGKILL to one of its processes and all that it started."""
        os.killpg(self.children()[name], signal.SIGKILL)

    def database(self):
        """Its database, to be read only."""
        return sqlite3.connect(f"file:{self.data_dir}/platform.sqlite3?mode=ro", uri=True)

    @property
    def password(self):
        return (self.data_dir / "demo_password").read_text()

    def api(self, method, path, **options):
        """Call the API, or another address where `path` starts with a slash, as the demo account."""
        if not hasattr(self, "access"):
            answer = requests.post(
                f"{self.url}/api/v1/auth/login", json={"username": "demo", "password": self.password}, timeout=30
            )
            self.access = answer.json()["access"]
        headers = {"Authorization": f"Bearer {self.access}"}
        address = self.url + path if path.startswith("/") else f"{self.url}/api/v1/{path}"
        return requests.request(method, address, headers=headers, timeout=60, **options)


def _start_and_stop(folder):
    running = RunningPlatform(folder, WEIGHTS_DOWNLOAD="false")
    running.start()
    running.stop()


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    """One platform for all tests of this process."""
    folder = tmp_path_factory.mktemp("platform")
    running = RunningPlatform.prepared(folder, WEIGHTS_DOWNLOAD="false", SIGN_IN_RATE="10000/min")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return browser_type_launch_args | {"executable_path": find_chromium(), "args": CHROMIUM_FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    """The driver evaluates conditions in pages, which their policy forbids; test_page_policy.py is about the policy."""
    return browser_context_args | {"bypass_csp": True}


def sign_in(platform, username, password):
    """The cookies of a signed-in browser session."""
    session = requests.Session()
    address = f"{platform.url}/account/sign-in"
    session.get(address, timeout=30)
    (csrf,) = session.cookies
    form = {"username": username, "password": password, "csrfmiddlewaretoken": csrf.value}
    answer = session.post(address, data=form, headers={"Referer": address}, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, answer.text
    return [{"name": cookie.name, "value": cookie.value, "url": platform.url} for cookie in session.cookies]


@pytest.fixture(scope="session")
def cookies(platform):
    """`cookies(username)`: a session of that person, signed in once; "demo" is the operator, others are registered."""
    known = {}

    def of(username):
        if username not in known:
            password = platform.password if username == "demo" else f"{username}-has-a-password"
            if username != "demo":
                who = {"username": username, "email": f"{username}@example.org", "password": password}
                answer = requests.post(f"{platform.url}/api/v1/auth/register", json=who, timeout=30)
                assert answer.status_code == 201, answer.text
            known[username] = sign_in(platform, username, password)
        return known[username]

    return of


@pytest.fixture
def open_browser(new_context, cookies):
    """`open_browser(username, **options)`: a page in a browser of its own; a script error fails the test."""
    errors = []

    def browser_of(username="demo", **options):
        context = new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        context.add_cookies(cookies(username))
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield browser_of
    assert not errors, errors


@pytest.fixture
def label(open_browser, platform):
    """`label(dataset, n=0, query="", username="demo")`: the labelling page on the n-th image of a dataset."""

    def opened(dataset, n=0, query="", username="demo", **options):
        return Labelling(open_browser(username, **options), platform, dataset).open(n, query)

    return opened


def ended(platform, path, seconds=240):
    """The job at `path` once it has ended well."""
    deadline = time.monotonic() + seconds
    while (job := platform.api("GET", path).json())["status"] in ("pending", "running"):
        assert time.monotonic() < deadline, job
        time.sleep(0.3)
    assert job["status"] == "completed", job
    return job


def trained(platform, **more):
    """The id of a small model that was trained on the sample for some epochs; `more` goes into what is asked."""
    sample = platform.api("GET", "datasets?search=Sample").json()["results"][0]
    wanted = {
        "dataset_id": sample["id"], "model_type": "yolov8n", "weights": "scratch", "epochs": 5, "batch_size": 8,
        "img_size": 96, "learning_rate": 0.002, "patience": 0, "seed": 0,
        "augmentation": {"optimizer": "AdamW", "warmup_epochs": 1.0, "mosaic": 0.0},
    }  # fmt: skip
    job = platform.api("POST", "training/", json=wanted | more).json()
    return ended(platform, f"training/{job['id']}/")["model_id"]


@pytest.fixture(scope="session")
def deployed_model(platform):
    """The id of a model that was trained for some epochs and is deployed."""
    model_id = trained(platform)
    answer = platform.api("POST", f"models/{model_id}/deploy")
    if answer.status_code == 202:
        ended(platform, f"jobs/{answer.json()['id']}")
    return model_id


@pytest.fixture
def demo_page(page, platform):
    """A browser page signed in as the demo account; a script error on any page fails the test."""
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_default_timeout(60_000)
    page.goto(f"{platform.url}/account/sign-in")
    page.get_by_label("Username or email").fill("demo")
    page.get_by_label("Password").fill(platform.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{platform.url}/")
    yield page
    assert not errors, errors
