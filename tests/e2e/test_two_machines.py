"""Two machines that share nothing but PostgreSQL, Valkey and S3 do the main job together, and one of them is lost.

Each is a whole platform with a data folder of its own: a web process, a worker, a trainer. Whatever is asked of one
must be true of the other.
"""

import base64
import io
import os
import signal
import zipfile
from contextlib import ExitStack

import psycopg
import pytest
import requests

from apps.datasets.sample import SAMPLE_CLASSES, generate_sample
from benchmarks.postgres import binaries, running_postgres
from tests.e2e.conftest import RunningPlatform, sign_in
from tests.real_parts import FORGETFUL, free_ports, running_s3, running_valkey

from .test_survival import engine_of, processes_with, still_there, wait_for

pytestmark = [
    pytest.mark.platform,
    pytest.mark.xdist_group("two machines"),
    pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server here; on Debian: apt-get install postgresql"),
]
TUS = {"Tus-Resumable": "1.0.0"}
TINY = {
    "model_type": "yolov8n", "weights": "scratch", "batch_size": 8, "img_size": 96, "patience": 0, "seed": 0,
    "learning_rate": 0.002, "augmentation": {"optimizer": "AdamW", "warmup_epochs": 1.0, "mosaic": 0.0},
}  # fmt: skip


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Two platforms on the same database, queue and store."""
    with ExitStack() as running:
        (port,) = free_ports(1)
        shared = {
            "DATABASE_URL": running.enter_context(running_postgres(port, options=FORGETFUL)),
            "REDIS_URL": running.enter_context(running_valkey()),
            "SECRET_KEY": "the same on every machine, for a session of one is a session of all",
            "S3_BUCKET": "platform", "WEIGHTS_DOWNLOAD": "false", "SIGN_IN_RATE": "10000/min",
            "COOKIE_SUFFIX": "", "JOB_STALE_SECONDS": "8",
        }  # fmt: skip
        shared |= {name.removeprefix("TEST_"): value for name, value in running.enter_context(running_s3()).items()}
        both = [RunningPlatform(tmp_path_factory.mktemp(name), **shared) for name in ("one", "two")]
        for machine in both:
            machine.start()
            running.callback(machine.stop)
        yield both


class Person:
    """Somebody whose calls go to whichever machine is named."""

    def __init__(self, machines):
        self.machines, self.headers = machines, {}

    def __call__(self, machine, method, path, status=200, **options):
        headers = self.headers | options.pop("headers", {})
        address = path if path.startswith("/") else f"/api/v1/{path}"
        url = self.machines[machine].url + address
        answer = requests.request(method, url, headers=headers, timeout=60, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def ended(self, machine, path, seconds=300):
        def ask():
            job = self(machine, "GET", path).json()
            return job["status"] not in ("pending", "running") and job

        job = wait_for(ask, seconds)
        assert job["status"] == "completed", job
        return job


@pytest.fixture(scope="module")
def person(machines):
    """Signed up at the first machine, signed in at the second."""
    someone = Person(machines)
    who = {"username": "mara", "email": "mara@example.org", "password": "mara-has-a-password"}
    someone(0, "POST", "auth/register", 201, json=who)
    pair = someone(1, "POST", "auth/login", json={"username": "mara", "password": who["password"]}).json()
    someone.headers = {"Authorization": f"Bearer {pair['access']}"}
    return someone


def shapes_archive():
    """(bytes of a YOLO archive of drawn shapes, one of its pictures): few, for nobody looks at what is learned."""
    out, shown = io.BytesIO(), None
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("data.yaml", f"train: images/train\nval: images/val\nnames: {list(SAMPLE_CLASSES)}\n")
        for number, image in enumerate(generate_sample()):
            split = "val" if number % 6 == 0 else "train"
            stem = image.filename.rpartition(".")[0]
            rows = [f"{SAMPLE_CLASSES.index(box[0])} {' '.join(map(str, box[1:]))}\n" for box in image.boxes]
            archive.writestr(f"images/{split}/{image.filename}", image.data)
            archive.writestr(f"labels/{split}/{stem}.txt", "".join(rows))
            shown = image.data
            if number == 60:
                break
    return out.getvalue(), shown


@pytest.fixture(scope="module")
def archive():
    return shapes_archive()


@pytest.fixture(scope="module")
def dataset(person, archive):
    """An archive whose pieces come to both machines in turns, imported by whichever worker is free."""
    data, _ = archive
    name = base64.b64encode(b"shapes.zip").decode()
    headers = TUS | {"Upload-Length": str(len(data)), "Upload-Metadata": f"filename {name}"}
    place = person(0, "POST", "uploads", 201, headers=headers).headers["Location"]
    piece = len(data) // 5 + 1
    for turn, start in enumerate(range(0, len(data), piece)):
        here = person(turn % 2, "HEAD", place, headers=TUS).headers["Upload-Offset"]
        assert int(here) == start
        headers = TUS | {"Upload-Offset": here, "Content-Type": "application/offset+octet-stream"}
        person((turn + 1) % 2, "PATCH", place, 204, headers=headers, data=data[start : start + piece])
    wanted = {"name": "Shapes", "upload": place.rpartition("/")[2]}
    job = person(1, "POST", "datasets/import", 202, json=wanted).json()
    return person.ended(0, f"jobs/{job['id']}")["result"]["dataset_id"]


def test_a_session_of_one_machine_is_a_session_of_the_other(machines, person):
    cookies = {cookie["name"]: cookie["value"] for cookie in sign_in(machines[0], "mara", "mara-has-a-password")}
    assert b"Hello, mara" in person(1, "GET", "/", cookies=cookies).content


def test_what_is_labelled_at_one_is_there_at_the_other_and_a_stale_save_is_refused(person, dataset):
    image = person(0, "GET", f"datasets/{dataset}/images").json()["results"][0]
    path = f"datasets/{dataset}/images/{image['id']}/annotations"
    before = person(1, "GET", path).json()
    box = {"class_id": 1, "x_center": 0.5, "y_center": 0.5, "width": 0.2, "height": 0.3}
    person(0, "PUT", path, json={"revision": before["revision"], "annotations": [box]})
    after = person(1, "GET", path).json()
    assert [label["class_id"] for label in after["annotations"]] == [1]
    person(1, "PUT", path, 409, json={"revision": before["revision"], "annotations": []})
    kept = [
        {key: label[key] for key in ("class_id", "x_center", "y_center", "width", "height")}
        for label in before["annotations"]
    ]
    person(1, "PUT", path, json={"revision": after["revision"], "annotations": kept})
    assert person(0, "GET", image["url"]).content == person(1, "GET", image["url"]).content


@pytest.fixture(scope="module")
def trained(machines, person, dataset):
    """Two trainings at once, one on each machine, of which one is lost on the way: (short job, long job, the lost one).

    The machine that is left ends both; then the lost one is started again.
    """
    wanted = TINY | {"dataset_id": dataset, "name": "Shapes"}
    short = person(0, "POST", "training", 201, json=wanted | {"epochs": 4}).json()["id"]
    long = person(1, "POST", "training", 201, json=wanted | {"epochs": 8}).json()["id"]

    def on_both():
        places = [{n for n, machine in enumerate(machines) if engine_of(machine, pk)} for pk in (short, long)]
        return all(places) and places

    (first,), (lost,) = wait_for(on_both, 240)
    assert {first, lost} == {0, 1}
    wait_for(lambda: checkpoint_of(machines[0], long), 240)
    kill_machine(machines[lost])
    jobs = [person.ended(first, f"training/{pk}", 400) for pk in (short, long)]
    machines[lost].start()
    return *jobs, lost


def checkpoint_of(machine, pk):
    """The epoch of a training's checkpoint in the store, or None."""
    with psycopg.connect(machine.environment["DATABASE_URL"]) as database:
        question = "SELECT checkpoint_epoch FROM training_trainingjob WHERE id = %s"
        return database.execute(question, [pk]).fetchone()[0]


def kill_machine(machine):
    """SIGKILL to every process of a platform, as where the power goes."""
    for pid in processes_with("python"):
        if still_there(machine, pid):
            os.kill(pid, signal.SIGKILL)
    machine.process.wait()


def test_a_training_whose_machine_is_lost_goes_on_from_its_checkpoint_at_the_other(trained):
    short, long, _ = trained
    assert [start["epoch"] for start in short["environment"]["starts"]] == [1]
    first, then = (start["epoch"] for start in long["environment"]["starts"])
    assert first == 1
    assert then > 1
    assert long["current_epoch"] == 8


def test_a_model_answers_at_the_machine_that_did_not_build_it_and_a_switch_is_seen_by_both(person, trained, archive):
    short, long, lost = trained
    model, better = short["model_id"], long["model_id"]
    job = person(lost, "POST", f"models/{model}/deploy", 202).json()
    person.ended(1 - lost, f"jobs/{job['id']}")
    assert ask(person, 0, archive, model_id=model) == ask(person, 1, archive, model_id=model)
    named = {"name": "shapes", "model_id": model}
    deployment = person(0, "POST", "deployments", 201, json=named).json()["id"]
    assert [ask(person, machine, archive, model="shapes")["model"]["id"] for machine in (0, 1)] == [model, model]
    switch = person(1, "POST", f"deployments/{deployment}/switch", 202, json={"model_id": better, "overrule": "a test"})
    person.ended(0, f"jobs/{switch.json()['job']['id']}")
    for machine in (0, 1):
        wait_for(lambda at=machine: ask(person, at, archive, model="shapes")["model"]["id"] == better)
    assert ask(person, 0, archive, model="shapes") == ask(person, 1, archive, model="shapes")
    person(1, "DELETE", f"deployments/{deployment}", 204)
    person(0, "GET", f"deployments/{deployment}", 404)


def ask(person, machine, archive, **which):
    _, picture = archive
    answer = person(machine, "POST", "predictions/infer", files={"image": picture}, data={"conf": 0.01, **which}).json()
    return {name: answer[name] for name in ("model", "predictions")}


def test_what_is_deleted_at_one_is_gone_at_the_other(person, dataset):
    image = person(0, "GET", f"datasets/{dataset}/images").json()["results"][0]
    person(1, "GET", image["url"])
    person(0, "DELETE", f"datasets/{dataset}/images/{image['id']}", 204)
    for machine in (0, 1):
        person(machine, "GET", f"datasets/{dataset}/images/{image['id']}", 404)


def test_both_machines_say_that_they_are_ready(machines, person):
    for machine in (0, 1):
        answer = wait_for(lambda machine=machine: person(machine, "GET", "/readyz").json(), 30)
        assert set(answer.values()) <= {"ok"}, answer
