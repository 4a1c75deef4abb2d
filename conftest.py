"""What all tests share: four people, a dataset, pictures, a real Redis-protocol server, tasks that run at once."""

import io
import subprocess
import sys
import time
import uuid

import pytest
import redis
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from PIL import Image, ImageDraw
from rest_framework.test import APIClient

from yolotrainer.supervisor import valkey_command


@pytest.fixture(scope="session", autouse=True)
def valkey():
    """A real Redis-protocol server on this test process's own socket; however slow the machine, it is not away."""
    from apps.core import quick

    quick.SECONDS = 30
    command = valkey_command(django_settings.VALKEY_SOCKET, django_settings.DATA_DIR / "valkey")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(200):
        if subprocess.os.path.exists(django_settings.VALKEY_SOCKET):
            break
        time.sleep(0.02)
    yield process
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def valkey_client(valkey):
    """A connection that waits as long as it takes."""
    return redis.Redis(unix_socket_path=django_settings.VALKEY_SOCKET)


@pytest.fixture(autouse=True)
def empty_valkey(valkey_client):
    """No test is held to what another one counted: ids of people come again, and so would their rates."""
    valkey_client.flushall()


@pytest.fixture(autouse=True)
def nothing_remembered():
    """What a process remembers of rows by their ids is not of those that have these ids in the next test."""
    from apps.core import limits
    from apps.inference import quotas
    from apps.inference.monitoring import counting

    limits._counter._away_until = quotas._counter._away_until = 0.0
    for known in (quotas._counter._here, counting._defaults, counting._traffic, counting._usage):
        known.clear()
    if answering := sys.modules.get("apps.inference.services.answering"):  # it takes a while to import
        answering._answered_last.clear()


@pytest.fixture(autouse=True)
def part_of_the_bucket(request):
    """Where files lie in S3, each test has a part of the bucket to itself, as MEDIA_ROOT is its own on a disk."""
    if not hasattr(default_storage, "bucket_name"):
        return
    if request.node.get_closest_marker("local_files"):
        pytest.skip("about files on this machine; the store is S3")
    from boto3.s3.transfer import TransferConfig

    from tests.late_store import forget_waiting

    default_storage.location = uuid.uuid4().hex  # the next test sets its own
    forget_waiting(default_storage)
    default_storage.transfer_config = TransferConfig(use_threads=False)  # three threads for each small file cost more


def stored_files(folder=""):
    """The names of all files in the store under `folder`, from there on."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return set()
    deeper = ({f"{name}/{file}" for file in stored_files(f"{folder}/{name}".strip("/"))} for name in folders if name)
    return set().union({name for name in files if name}, *deeper)


@pytest.fixture(autouse=True)
def fast_passwords(settings):
    """bcrypt is slow on purpose; a test of the hasher itself sets it back."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def nobody_listens(monkeypatch):
    """No thread of a test's own writes to its database after an answer; a test about listeners puts in its own.

    Those of the platform are the fixture's value.
    """
    from apps.inference import after

    listening = after.LISTENERS
    monkeypatch.setattr(after, "LISTENERS", [])
    return listening


@pytest.fixture(autouse=True)
def no_heartbeat_from_outside(request, monkeypatch):
    """A job in a test's own transaction has none: that thread has a connection of its own, and does not see the row."""
    from apps.core import work

    marked = request.node.get_closest_marker("django_db")
    commits = "transactional_db" in request.fixturenames or (marked and marked.kwargs.get("transaction"))
    if not commits:
        monkeypatch.setattr(work, "HEARTBEAT_SECONDS", 600)


def person(name, **extra):
    """A user with the password `name`-password."""
    from apps.accounts.services import register_user

    return register_user(name, f"{name}@example.org", f"{name}-password", **extra)


@pytest.fixture
def alice(db):
    """Owner."""
    return person("alice")


@pytest.fixture
def bob(db):
    """Reader of what is public."""
    return person("bob")


@pytest.fixture
def carol(db):
    """Outsider."""
    return person("carol")


@pytest.fixture
def operator(db):
    """Superuser."""
    return person("operator", is_staff=True, is_superuser=True)


def make_team(owner=None, name="Lab"):
    """A team with this owner, else with a new person "owner-of-<name>"."""
    from apps.accounts.teams.services import create_team

    return create_team(owner or person(f"owner-of-{name.lower()}"), name)


def member(team, role, name=None):
    """A new person in this role of a team."""
    from apps.accounts.teams.services import add_member

    return add_member(team, person(name or f"{role}-of-{team.name.lower()}"), role).user


@pytest.fixture
def team(db):
    """A team "Lab" with an owner alone; `member(team, role)` makes more people."""
    return make_team()


class Caller(APIClient):
    """Each call is by a user as read for it, as outside of tests: what was known of their teams is forgotten."""

    def request(self, **kwargs):
        from apps.core.access import forget_teams

        if self.handler._force_user:
            forget_teams(self.handler._force_user)
        return super().request(**kwargs)


@pytest.fixture
def api_as():
    """`api_as(user)`: an API client signed in as `user` (None for nobody)."""

    def client(user=None):
        api = Caller()
        if user:
            api.force_authenticate(user)
        return api

    return client


@pytest.fixture
def page_as(client):
    """`page_as(user)`: a browser-like client signed in as `user`."""
    from django.test import Client

    def signed_in(user=None):
        browser = Client()
        if user:
            browser.force_login(user, backend=django_settings.AUTHENTICATION_BACKENDS[0])
        return browser

    return signed_in


@pytest.fixture
def kept_connection(monkeypatch):
    """Neither a request over WSGI nor closing an answer ends the test's transaction, as Django's client has it."""
    monkeypatch.setattr(connections["default"], "close_if_unusable_or_obsolete", lambda: None)


def picture(width=64, height=48, color="gray", format="PNG", seed=None, **options):
    """Bytes of a small picture; another `seed` gives other bytes."""
    image = Image.new("RGB", (width, height), color)
    if seed is not None:
        draw = ImageDraw.Draw(image)
        draw.rectangle([seed % width, seed // width % height, seed % width + 6, seed // width % height + 6], fill="red")
        image.putpixel((0, 0), (seed % 256, seed // 256 % 256, 7))
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def upload(name="a.png", data=None, **options):
    """A picture as an uploaded file."""
    return SimpleUploadedFile(name, picture(**options) if data is None else data)


@pytest.fixture
def dataset(alice):
    """Alice's private dataset with two classes and no image."""
    from apps.datasets import services

    return services.create_dataset(alice, "Cells", class_names=["red", "white"])


@pytest.fixture
def images(dataset):
    """Six images in `dataset`, unlabelled, without split; all at once, for many tests begin with them."""
    from apps.datasets import services
    from apps.datasets.services import new_images as steps
    from tests.late_store import stored_when_asked

    found = [steps.check_new_image(dataset, f"{n}.png", picture(seed=n), source="upload") for n in range(6)]
    with stored_when_asked(default_storage):
        steps.store_images(found)
    inserted, _ = steps.insert_rows(dataset, [new.row for new in found])
    services.refresh_counts(dataset)
    return inserted


def box(class_id=0, x=0.5, y=0.5, width=0.2, height=0.2, **more):
    """A label as the API takes it."""
    return {"class_id": class_id, "x_center": x, "y_center": y, "width": width, "height": height, **more}


@pytest.fixture
def ready_dataset(dataset, images, alice):
    """`dataset` with a box on each image: four in train, two in val."""
    from apps.annotations.services.labels import save_labels
    from apps.datasets import services

    for number, image in enumerate(images):
        image.dataset = dataset
        save_labels(image, 0, [box(number % 2)], alice)
    for split, of_it in (("train", images[:4]), ("val", images[4:])):
        services.set_split(dataset, dataset.images.filter(pk__in=[image.pk for image in of_it]), split)
    dataset.refresh_from_db()
    return dataset


@pytest.fixture
def trained_model(ready_dataset, alice, tmp_path):
    """A model of alice's whose weights are only bytes: for everything but training and export."""
    from apps.annotations.services.versions import create_version
    from apps.models.services import register_model

    weights = tmp_path / "best.pt"
    weights.write_bytes(b"not really weights")
    version, _ = create_version(ready_dataset, alice)
    return register_model(
        owner=alice, name="Cells v1", model_type="yolov8n", weights=weights, class_names=["red", "white"], img_size=64,
        metrics={"overall": {"mAP50": 0.9, "mAP50_95": 0.7, "precision": 0.8, "recall": 0.8, "f1": 0.8}},
        dataset_version=version,
    )  # fmt: skip


@pytest.fixture
def threads_database(transactional_db, tmp_path):
    """SQLite in a file, as the platform runs it: SQLite in memory does not let threads wait for each other."""
    if connection.vendor != "sqlite":
        yield
        return
    known, in_memory = django_settings.DATABASES["default"], connections["default"]
    name, path = known["NAME"], str(tmp_path / "threads.sqlite3")
    with in_memory.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [path])
    known["NAME"] = path
    connections["default"] = connections.create_connection("default")
    yield
    connections["default"].close()
    known["NAME"] = name
    connections["default"] = in_memory


@pytest.fixture(scope="session")
def all_tasks():
    """Every task is known by its name; Celery has Django check all models each time it looks for them."""
    from celery import current_app

    current_app.loader.import_default_modules()
    return current_app.tasks


@pytest.fixture
def run_tasks_at_once(all_tasks, settings, monkeypatch):
    """What is queued runs in this process as soon as it is sent, without a broker and without a heartbeat."""
    from celery import current_app

    from apps.core import work

    monkeypatch.setattr(work, "HEARTBEAT_SECONDS", 600)

    def send_task(name, args=(), kwargs=None, **options):
        return all_tasks[name].apply(args, kwargs)

    monkeypatch.setattr(current_app, "send_task", send_task)
