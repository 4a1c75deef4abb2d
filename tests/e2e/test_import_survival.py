"""Imports and uploads under SIGKILL, with the processes that run in production: nothing is lost and nothing is left."""

import hashlib
import io
import os
import random
import subprocess
import sys
import threading
import time
import zipfile

import pytest
import requests
from PIL import Image, ImageDraw

from tests.e2e.conftest import BASE_DIR, RunningPlatform, ended

pytestmark = [pytest.mark.platform, pytest.mark.xdist_group("import_survival")]
IMAGES, BOXES = 300, 5
PIECE = "application/offset+octet-stream"


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """A platform of its own, which takes a silent worker for dead after five seconds."""
    folder = tmp_path_factory.mktemp("killed")
    environment = {"WEIGHTS_DOWNLOAD": "false", "SIGN_IN_RATE": "10000/min", "JOB_STALE_SECONDS": "5"}
    running = RunningPlatform.prepared(folder, **environment)
    running.start()
    yield running
    running.stop()


def drawn(number, seed):
    """A JPEG that takes some milliseconds to decode, another for each number and seed."""
    rng = random.Random(f"{seed} {number}")
    image = Image.effect_noise((80, 60), 60).convert("RGB").resize((960, 720))
    pen = ImageDraw.Draw(image)
    for _ in range(12):
        x, y = rng.randrange(900), rng.randrange(680)
        pen.ellipse([x, y, x + 40, y + 30], fill=tuple(rng.randrange(256) for _ in range(3)))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.fixture(scope="module")
def archive_of(tmp_path_factory):
    """`archive_of(seed)`: the path of a YOLO archive of IMAGES pictures with BOXES boxes each, and one bad picture."""

    def make(seed):
        path = tmp_path_factory.mktemp("archives") / f"{seed}.zip"
        rows = "".join(f"{n % 2} 0.{n + 2} 0.5 0.1 0.1\n" for n in range(BOXES))
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("data.yaml", "train: images/train\nval: images/val\nnames: [red, white]\n")
            archive.writestr("images/train/broken.jpg", b"\xff\xd8\xff\xe0 no picture")
            for number in range(IMAGES):
                split = "val" if number % 5 == 0 else "train"
                archive.writestr(f"images/{split}/{number:04}.jpg", drawn(number, seed))
                archive.writestr(f"labels/{split}/{number:04}.txt", rows)
        return path

    return make


def wait_for_progress(platform, job_id, attempt, progress):
    """Until a worker has the job for the `attempt`-th time and it is so far; the database is quicker than the API."""
    deadline = time.monotonic() + 120
    with platform.database() as db:
        while time.monotonic() < deadline:
            columns = "status, progress, attempts"
            status, now, tries = db.execute(f"SELECT {columns} FROM core_job WHERE id = ?", [job_id]).fetchone()  # noqa: S608
            assert status in ("pending", "running"), f"it was {status} before it could be killed at {progress}"
            if status == "running" and tries == attempt and now >= progress:
                return
            time.sleep(0.01)
    pytest.fail(f"job {job_id} did not come to {progress}")


def test_import_whose_worker_is_killed_twice_goes_on_and_leaves_nothing(platform, archive_of):
    """At once, and midway: more kills say no more, and each doubles the pause before the next start."""
    seed = "import"
    with archive_of(seed).open("rb") as file:
        answer = platform.api("POST", "datasets/import", data={"name": seed}, files={"file": ("a.zip", file)})
    job_id = answer.json()["id"]
    for attempt, moment in enumerate((0.0, 0.4), 1):
        wait_for_progress(platform, job_id, attempt, moment)
        time.sleep(random.Random(seed).random() * 0.2)
        platform.kill("worker")
    result = ended(platform, f"jobs/{job_id}")["result"]
    assert (result["images"], result["boxes"], result["duplicates"]) == (IMAGES, IMAGES * BOXES, 0)
    assert [problem["file"] for problem in result["problems"]] == ["images/train/broken.jpg"]
    with platform.database() as db:
        assert db.execute("SELECT attempts FROM core_job WHERE id = ?", [job_id]).fetchone() == (3,)
    assert_whole(platform, result["dataset_id"])


def assert_whole(platform, dataset_id):
    """Every row has its files and its labels, every file its row; no note and no draft outlives the import."""
    with platform.database() as db:
        rows = db.execute(
            "SELECT id, file, thumbnail, num_boxes, revision, split FROM datasets_datasetimage WHERE dataset_id = ?",
            [dataset_id],
        ).fetchall()
        per_image = dict(db.execute(
            "SELECT image_id, COUNT(*) FROM annotations_annotation JOIN datasets_datasetimage AS i ON i.id = image_id "
            "WHERE i.dataset_id = ? GROUP BY image_id", [dataset_id],
        ))  # fmt: skip
        counts = db.execute(
            "SELECT num_images, num_labeled, num_boxes FROM datasets_dataset WHERE id = ?", [dataset_id]
        ).fetchone()
        notes = db.execute("SELECT COUNT(*) FROM datasets_pendingdeletion").fetchone()
    assert counts == (IMAGES, IMAGES, IMAGES * BOXES)
    assert len(rows) == IMAGES
    assert {row[0] for row in rows} == set(per_image)
    assert {(num_boxes, revision) for _, _, _, num_boxes, revision, _ in rows} == {(BOXES, 1)}
    assert set(per_image.values()) == {BOXES}
    assert sum(split == "val" for *_, split in rows) == IMAGES / 5
    media = platform.data_dir / "media"
    there = {
        str(path.relative_to(media)) for path in (media / "datasets" / str(dataset_id)).rglob("*") if path.is_file()
    }
    assert there == {name for _, file, thumbnail, *_ in rows for name in (file, thumbnail)}
    for _, file, *_ in rows:
        assert hashlib.sha256((media / file).read_bytes()).hexdigest() in file
    assert notes == (0,)
    sweep_drafts(platform)
    assert not list((media / ".drafts").iterdir())


def sweep_drafts(platform):
    """An hour later, as the platform's clock has it."""
    for path in (platform.data_dir / "media" / ".drafts").iterdir():
        os.utime(path, (time.time() - 7200,) * 2)
    command = "import django; django.setup(); from apps.core.tasks import expire_job_files; expire_job_files()"
    env = os.environ | {"DATA_DIR": str(platform.data_dir), "DJANGO_SETTINGS_MODULE": "yolotrainer.settings"}
    subprocess.run([sys.executable, "-c", command], cwd=BASE_DIR, env=env, check=True, timeout=120)


class Slow:
    """A body that is sent bit by bit and says how much has gone."""

    def __init__(self, data):
        self.data, self.sent = data, 0

    def __len__(self):
        return len(self.data)

    def __iter__(self):
        for start in range(0, len(self.data), 65_536):
            self.sent = start
            yield self.data[start : start + 65_536]
            time.sleep(0.01)


def test_upload_whose_server_is_killed_goes_on_where_it_was(platform, archive_of):
    data = archive_of("upload").read_bytes()
    headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(len(data)), "Upload-Metadata": "filename YS56aXA="}
    platform.api("GET", "auth/me")
    headers["Authorization"] = f"Bearer {platform.access}"
    created = requests.post(f"{platform.url}/api/v1/uploads", headers=headers, timeout=30)
    url = platform.url + created.headers["Location"]
    offset = 0
    for _ in range(2):
        body = Slow(data[offset:])
        piece = headers | {"Upload-Offset": str(offset), "Content-Type": PIECE, "Content-Length": str(len(body))}
        sender = threading.Thread(target=send_until_it_breaks, args=(url, body, piece))
        sender.start()
        while body.sent < 2_000_000:
            time.sleep(0.01)
        platform.kill("web")
        sender.join(30)
        before, offset = offset, offset_when_back(url, headers)
        assert before < offset <= before + body.sent + 65_536
        (kept,) = (platform.data_dir / "uploads" / "pieces").iterdir()
        assert kept.read_bytes() == data[:offset]
    last = headers | {"Upload-Offset": str(offset), "Content-Type": PIECE}
    assert requests.patch(url, data=data[offset:], headers=last, timeout=60).status_code == 204
    job = platform.api("POST", "datasets/inspect", json={"upload": url.rsplit("/", 1)[-1]}).json()
    found = ended(platform, f"jobs/{job['id']}")["result"]
    assert (found["images"], found["boxes"]) == (IMAGES + 1, IMAGES * BOXES)


def send_until_it_breaks(url, body, headers):
    with pytest.raises(requests.RequestException):
        requests.patch(url, data=body, headers=headers, timeout=60)


def offset_when_back(url, headers):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            answer = requests.head(url, headers=headers, timeout=5)
            if answer.status_code == 200:
                return int(answer.headers["Upload-Offset"])
        except requests.RequestException:
            pass  # not up again yet
        time.sleep(0.2)
    pytest.fail("the web process did not come back")
