"""What the platform answers when its disk is full: `python benchmarks/disk_full.py` (as root: it mounts a file system).

The whole platform runs on a file system in memory of its own. Each action is tried before, while not a byte is free,
and after room was made; at the end the database is checked, and every stored image read and held against its hash.
"""

import argparse
import errno
import hashlib
import io
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from contextlib import contextmanager
from pathlib import Path

import requests
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
ACTIONS = ("upload of an image", "3,000 labels saved", "archive, piece by piece", "import of an archive", "training")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--size", default="1100m", help="of the file system")
    options.add_argument("--seconds", type=int, default=240, help="that a job may take")
    chosen = options.parse_args()
    from benchmarks.backup import platform
    from tests.real_parts import free_ports
    from yolotrainer.demo import sign_in

    with tempfile.TemporaryDirectory() as folder, mounted(Path(folder), chosen.size) as disk:
        data_dir = disk / "data"
        data_dir.mkdir()
        (port,) = free_ports(1)
        with platform({**os.environ, "DATA_DIR": str(data_dir), "PORT": str(port)}, port) as base:
            person = Person(base, sign_in(base, data_dir), chosen.seconds)
            columns = [("before", person.all()), ("disk full", with_full_disk(disk, person)), ("after", person.all())]
        show(columns)
        check(data_dir)


@contextmanager
def mounted(folder, size):
    """A file system in memory."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"A file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def with_full_disk(disk, person):
    """All actions while another file takes every byte that is left."""
    started = person.start_training()
    time.sleep(person.seconds / 12)  # it is under way when the room goes
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 4096):
            fill(file, size)
        answers = person.all(training=started, refill=lambda: fill(file, 4096))
    ballast.unlink()
    return answers


def fill(file, size):
    try:
        while True:
            file.write(bytes(size))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


class Person:
    """Does what people do, and says in words what was answered."""

    def __init__(self, base, api, seconds):
        self.base, self.seconds = base, seconds
        self.headers = {"Authorization": api.session.headers["Authorization"]}
        self.dataset = api("GET", "datasets/?search=sample")["results"][0]["id"]
        self.image = api("GET", f"datasets/{self.dataset}/images")["results"][0]["id"]

    def all(self, training=None, refill=lambda: None):
        """The answers to ACTIONS; `refill` takes what an answer has made free."""
        found = []
        for act in (self.upload, self.label, self.send_archive, self.import_archive):
            refill()
            found.append(act())
        started = training or self.start_training()
        found.append(self.wait(started, "training"))
        return found

    def call(self, method, path, **more):
        headers = {**self.headers, **more.pop("headers", {})}
        return requests.request(method, f"{self.base}/api/v1/{path}", headers=headers, timeout=120, **more)

    def upload(self):
        answer = self.call("POST", f"datasets/{self.dataset}/images", files={"files": ("a.png", picture(200))})
        return words(answer)

    def label(self):
        path = f"datasets/{self.dataset}/images/{self.image}/annotations"
        read = self.call("GET", path)
        if not read.ok:
            return words(read)
        box = {"class_id": 0, "y_center": 0.5, "width": 0.1, "height": 0.1}
        many = [{**box, "x_center": 0.3 + n / 10_000} for n in range(3000)]
        return words(self.call("PUT", path, json={"revision": read.json()["revision"], "annotations": many}))

    def send_archive(self):
        """8 MB in one piece."""
        version = {"Tus-Resumable": "1.0.0"}
        about = {"Upload-Length": str(8 * 2**20), "Upload-Metadata": "filename YS56aXA="}
        made = self.call("POST", "uploads", headers=version | about)
        if not made.ok:
            return words(made)
        address = made.headers["Location"]
        kind = {**version, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        whole = address if address.startswith("http") else self.base + address
        sent = requests.patch(whole, data=os.urandom(8 * 2**20), headers={**self.headers, **kind}, timeout=120)
        return words(sent)

    def import_archive(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for number in range(20):
                archive.writestr(f"images/{number}.png", picture(200))
                archive.writestr(f"labels/{number}.txt", "0 0.5 0.5 0.2 0.2")
        path = f"datasets/{self.dataset}/import"
        answer = self.call("POST", path, files={"file": ("a.zip", out.getvalue())})
        return self.wait(answer, "jobs") if answer.ok else words(answer)

    def start_training(self):
        wanted = {
            "dataset_id": self.dataset, "model_type": "yolov8n", "weights": "scratch", "epochs": 3, "batch_size": 4,
            "img_size": 64, "device": "cpu",
        }  # fmt: skip
        return self.call("POST", "training/", json=wanted)

    def wait(self, answer, kind):
        """How a job ends."""
        if not answer.ok:
            return words(answer)
        deadline, job = time.monotonic() + self.seconds, answer.json()
        while job["status"] in ("pending", "running") and time.monotonic() < deadline:
            time.sleep(1)
            read = self.call("GET", f"{kind}/{job['id']}")
            job = read.json() if read.ok else job
        said = job.get("error_message") or job.get("error")
        still = f" after {self.seconds} s, and goes on" if job["status"] in ("pending", "running") else ""
        return f"{job['status']}{still}{': ' + said if said else ''}"


def picture(side):
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), os.urandom(side * side * 3)).save(out, "PNG")
    return out.getvalue()


def words(answer):
    """The status, and what was said where it is a refusal."""
    if answer.ok:
        return f"{answer.status_code}"
    try:
        said = answer.json()
        return f"{answer.status_code}: {said.get('detail', said)}"
    except ValueError:
        return f"{answer.status_code}: {answer.text[:80]}"


def show(columns):
    for number, action in enumerate(ACTIONS):
        print(action)
        for name, answers in columns:
            print(f"    {name:<10}{answers[number]}")


def check(data_dir):
    """Print whether database and images are whole."""
    with sqlite3.connect(data_dir / "platform.sqlite3") as database:
        (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
        broken = database.execute("PRAGMA foreign_key_check").fetchall()
        rows = database.execute("SELECT file, sha256 FROM datasets_datasetimage").fetchall()
    bad = [name for name, sha256 in rows if digest(data_dir / "media" / name) != sha256]
    drafts = data_dir / "media" / ".drafts"
    left = len(list(drafts.iterdir())) if drafts.is_dir() else 0
    print(f"\ndatabase: {verdict}, {len(broken)} rows without what they refer to")
    print(f"images: {len(rows)} rows, {len(bad)} without their bytes; {left} half written files left")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


if __name__ == "__main__":
    main()
