"""A platform of the first release, filled, and brought to today: `DATA_DIR=… python -m tests.first_release`.

The tables are made by the first release's migrations and filled as its code filled them; then all later migrations run.
Today's code reads it: pages, the API, services. What it found is printed as JSON; the test looks at that. The database
must be empty. `--images N` makes it larger; with DATABASE_URL somebody goes on writing, and the longest write is told.
"""

import argparse
import json
import os
import subprocess
import threading
import time
from contextlib import contextmanager

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
os.environ |= {"ALLOWED_HOSTS": "testserver", "DEBUG": "true"}  # no static files need collecting
FIRST = [(app, "0001_initial") for app in ("core", "accounts", "datasets", "annotations", "models", "training")]
BOXES = [[0, 0.5, 0.5, 0.2, 0.2], [1, 0.3, 0.4, 0.1, 0.1]]


def main(images):
    """Make, fill, upgrade, read; prints what was found."""
    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from apps.core.steps import step_by_step
    from tests.migration_locks import filled_tables, long_locks
    from tests.other_database import schema

    executor = step_by_step(connection)
    executor.migrate(
        [*FIRST, *[leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] in ("sessions", "auth")]]
    )
    filled = fill(executor.loader.project_state(FIRST).apps, images)
    began = time.monotonic()
    with writer_beside(filled["image"]) as waits, long_locks(connection, filled_tables(connection)) as locked:
        call_command("migrate", verbosity=0, interactive=False)
    took = time.monotonic() - began
    call_command("makemigrations", check_changes=True, dry_run=True, verbosity=0)
    with valkey():
        waited = {"seconds": round(took, 2), "longest_wait": round(max(waits, default=0), 3), "locked": locked}
        print(json.dumps({**read(filled), **waited, "schema": schema(connection)}))


def fill(apps, count):
    """Rows as the first release wrote them; returns their ids."""
    from django.contrib.auth.hashers import make_password
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    def model(name):
        return apps.get_model(name).objects

    owner = model("accounts.User").create(username="ada", email="ada@example.org", password=make_password("a-password"))
    model("accounts.ApiToken").create(user=owner, name="machine", key_hash="0" * 64, hint="yt_0000")
    dataset = model("datasets.Dataset").create(
        owner=owner, name="Cells", class_names=["red", "white"], class_colors=["#f00", "#fff"], num_classes=2,
        num_images=count, num_labeled=count,
    )  # fmt: skip
    Image = apps.get_model("datasets.DatasetImage")
    Image.objects.bulk_create([_image(Image, dataset, number) for number in range(count)], batch_size=2000)
    images = list(Image.objects.order_by("pk"))
    label = apps.get_model("annotations.Annotation")
    label.objects.bulk_create([_label(label, image, box) for image in images for box in BOXES], batch_size=2000)
    kept = [dict(zip(("class_id", "x_center", "y_center", "width", "height"), box, strict=True)) for box in BOXES]
    revision = apps.get_model("annotations.Revision")
    first = {"number": 1, "kind": "edit", "author": owner, "annotations": kept, "num_annotations": 2, "added": 2}
    revision.objects.bulk_create([revision(image=image, **first) for image in images], batch_size=2000)
    version = model("annotations.DatasetVersion").create(
        dataset=dataset, number=1, content_hash="1" * 64, class_names=["red", "white"], num_images=count,
        num_boxes=2 * count, split_counts={"train": count}, created_by=owner,
        manifest=default_storage.save("manifests/first.json", ContentFile(b"{}")),
    )  # fmt: skip
    trained = model("models.TrainedModel").create(
        owner=owner, name="Cells", model_type="yolov8n",
        file=default_storage.save("models/best.pt", ContentFile(b"pt")),
        sha256="2" * 64, img_size=640, num_classes=2, class_names=["red", "white"], dataset_version=version,
        metrics={"overall": {"mAP50": 0.9, "mAP50_95": 0.7, "precision": 0.8, "recall": 0.8, "f1": 0.8}},
        training_id=1, is_deployed=True, serving={"format": "openvino", "precision": "f32"},
        serving_file=default_storage.save("models/serving.tar", ContentFile(b"tar")),
    )  # fmt: skip
    job = model("training.TrainingJob").create(
        user=owner, dataset=dataset, dataset_version=version, name="Cells", status="completed", model=trained,
        model_type="yolov8n", epochs=2, batch_size=4, img_size=640, patience=5, current_epoch=2,
        logs="epoch 1\nepoch 2\n",
    )  # fmt: skip
    for epoch in (1, 2):
        model("training.TrainingEpoch").create(job=job, epoch=epoch, metrics={"mAP50_95": epoch / 10}, seconds=1)
    model("core.Job").create(
        owner=owner, kind="import", task="none", subject=f"dataset:{dataset.pk}", status="completed"
    )
    return {"owner": owner.pk, "dataset": dataset.pk, "image": images[0].pk, "model": trained.pk, "job": job.pk}


def _image(Image, dataset, number):
    return Image(
        dataset=dataset, filename=f"{number}.png", file=f"datasets/1/{number}.png",
        thumbnail=f"datasets/1/{number}.jpg",
        sha256=f"{number:064x}", num_bytes=100, width=64, height=48, is_labeled=True, state="labelled", num_boxes=2,
        split="train", revision=1, in_version=True,
    )  # fmt: skip


def _label(label, image, box):
    names = ("x_center", "y_center", "width", "height")
    named = dict(zip(names, box[1:], strict=True))
    return label(image=image, class_id=box[0], class_name=["red", "white"][box[0]], source="manual", **named)


@contextmanager
def writer_beside(image_id):
    """Someone who goes on writing to the largest tables, as the version before does; yields how long writes took."""
    from django.db import connection

    waits, over = [], threading.Event()

    def write():
        with connection.cursor() as cursor:
            while not over.is_set():
                began = time.monotonic()
                cursor.execute("UPDATE datasets_datasetimage SET num_bytes = num_bytes + 1 WHERE id = %s", [image_id])
                cursor.execute("UPDATE annotations_annotation SET width = 0.2 WHERE image_id = %s", [image_id])
                waits.append(time.monotonic() - began)
                over.wait(0.02)
        connection.close()

    if connection.vendor != "postgresql":  # on SQLite the platform stands still while it is upgraded
        yield waits
        return
    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield waits
    finally:
        over.set()
        thread.join(10)


@contextmanager
def valkey():
    from django.conf import settings

    from yolotrainer.supervisor import valkey_command

    command = valkey_command(settings.VALKEY_SOCKET, settings.DATA_DIR / "valkey")
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while not os.path.exists(settings.VALKEY_SOCKET):
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait(10)


def read(filled):
    """What today's code says of it: statuses of pages and API, and figures."""
    from django.test import Client

    from apps.accounts.models import User
    from apps.datasets.models import DatasetImage
    from apps.training.models import TrainingJob

    browser = Client()
    answer = browser.post("/account/sign-in", {"username": "ada", "password": "a-password"})
    signed_in = answer.status_code == 302
    dataset, model, job = filled["dataset"], filled["model"], filled["job"]
    pages = [
        "/", "/datasets/", f"/datasets/{dataset}/", f"/datasets/{dataset}/label", f"/datasets/{dataset}/classes",
        f"/datasets/{dataset}/statistics", f"/datasets/{dataset}/versions", f"/datasets/{dataset}/health",
        f"/training/{job}/", f"/models/{model}/", "/deployments/", "/account/tokens",
        f"/api/v1/datasets/{dataset}/images", f"/api/v1/datasets/{dataset}/images/{filled['image']}/annotations",
        f"/api/v1/training/{job}/metrics", f"/api/v1/models/{model}/lineage", "/api/v1/deployments",
    ]  # fmt: skip
    labels = browser.get(f"/api/v1/datasets/{dataset}/images/{filled['image']}/annotations").json()
    image = DatasetImage.objects.select_related("dataset").get(pk=filled["image"])
    job = TrainingJob.objects.get(pk=job)
    return {
        "signed_in": signed_in,
        "pages": {page: browser.get(page).status_code for page in pages},
        "labels": [[one["class_name"], one["x_center"], one["width"]] for one in labels["annotations"]],
        "images": image.dataset.images.count(),
        "epochs": job.epoch_rows.count(),
        "log": job.logs,
        "owner": User.objects.get().username,
        "deployments": [one["name"] for one in browser.get("/api/v1/deployments").json()["results"]],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=3)
    main(parser.parse_args().images)
