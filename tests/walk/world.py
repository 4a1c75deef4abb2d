"""One of everything that has an address, so that “not found” can only mean “not for you”."""

import gzip
import json
import re
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.accounts.models import BrowserSession
from apps.accounts.services import create_token
from apps.accounts.services.links import make_link
from apps.accounts.teams.invitations import invite
from apps.annotations.models import Annotation
from apps.annotations.services.versions import create_version
from apps.core.models import Job, Upload
from apps.core.webhooks.models import Delivery, Webhook
from apps.datasets.models import Dataset
from apps.inference.models import BatchAnswer, BatchVideo, Capture, Deployment
from apps.models.models import Evaluation, ModelExport
from apps.models.services import register_model
from apps.training.models import TrainingJob, TrainingLook, TrainingPicture, TrainingWatch
from conftest import make_team, member, picture

FIGURES = {"mAP50": 0.9, "mAP50_95": 0.7, "precision": 0.8, "recall": 0.8, "f1": 0.8}
MISSING = 999_999


@pytest.fixture
def actors(team, alice, carol, operator):
    """{who: user}: nobody, an outsider, each role of alice's team, the operator."""
    roles = {role: member(team, role) for role in ("viewer", "labeller", "reviewer", "admin")}
    return {"nobody": None, "outsider": carol, **roles, "owner": alice, "operator": operator}


@pytest.fixture
def team(alice):
    return make_team(alice)


@pytest.fixture
def world(ready_dataset, team, alice, tmp_path):
    """{route's beginning: {parameter: value}} of the team's things, all made by alice; the longest that fits holds."""
    Dataset.objects.update(team=team)
    ready_dataset.refresh_from_db()
    dataset, image = ready_dataset, ready_dataset.images.order_by("pk").first()
    version, _ = create_version(dataset, alice)
    model = _model(alice, version, tmp_path)
    job = _training(alice, dataset, version)
    evaluation, export = _evaluation(model, version, image), _export(model)
    deployment = Deployment.objects.create(owner=alice, team=team, name="cells", model=model)
    Capture.objects.create(deployment=deployment, dataset=dataset, user=alice, mode="all")
    invitation, key = invite(alice, team, "viewer")
    of_dataset = {
        "pk": dataset.pk, "dataset_id": dataset.pk, "image_id": image.pk, "class_id": 0, "number": version.number,
        "other": "now", "annotation_id": Annotation.objects.filter(image=image).first().pk, "name": "leaks",
        "job_id": _job(alice, "import", f"dataset:{dataset.pk}", team=team).pk,
    }  # fmt: skip
    of_model = {"pk": model.pk, "evaluation_id": evaluation.pk, "export_id": export.pk, "image_id": image.pk}
    of_model["dataset_id"] = dataset.pk
    of_training = {"pk": job.pk, "epoch": 1, "picture_id": job.pictures.first().pk}
    of_dataset_images = {"source": "dataset", "dataset_id": dataset.pk}
    inspected = {"status": "failed", "upload": True, "team": team}
    looked_into = {"format": "auto", "filename": "a.zip", "dataset_id": dataset.pk}
    return {
        "jobs/": {"pk": _job(alice, "export", f"dataset:{dataset.pk}", team=team, file="out.zip").pk},
        "account/tokens/": {"pk": create_token(alice, "machine")[0].pk},
        "auth/tokens/": {"pk": alice.api_tokens.first().pk},
        "uploads/": {"pk": Upload.objects.create(
            owner=alice, filename="a.zip", size=9, expires_at=timezone.now() + timedelta(days=1)
        ).pk},
        "datasets/": of_dataset,
        "datasets/import/": {"job_id": _job(
            alice, "inspect", f"user:{alice.pk}", params=looked_into | {"dataset_id": None}, upload=True,
            status="failed",
        ).pk},
        "datasets/<int:pk>/import/<int:job_id>": {"job_id": _job(
            alice, "inspect", f"dataset:{dataset.pk}", params=looked_into, **inspected
        ).pk},
        "datasets/<int:dataset_id>/images/direct": {"job_id": _job(
            alice, "image upload", f"dataset:{dataset.pk}", team=team, params={"files": [], "bytes": 0}
        ).pk},
        **{f"datasets/<int:pk>/import/<int:job_id>/{end}": of_dataset for end in ("summary", "undo")},
        "training/": of_training,
        "training/preview/": {"pk": _job(alice, "preview", f"dataset:{dataset.pk}", file="preview.jpg").pk},
        "models/": of_model,
        "models/upload/": {"job_id": _job(
            alice, "upload", "", task="apps.models.tasks.take_upload", params={"filename": "a.onnx"},
            result={"asks": "class_names"}, **inspected,
        ).pk},
        "deployments/": {"pk": deployment.pk},
        "predictions/": {"job_id": _batch(alice, team, model, image, {"source": "video"}).pk, "number": 1},
        "predictions/batch/<int:job_id>/images": {
            "job_id": _batch(alice, team, model, image, of_dataset_images).pk
        },
        "account/sessions/": {"pk": BrowserSession.objects.create(
            user=alice, session_key="walk", last_seen_at=timezone.now()
        ).pk},
        "account/invitation": dict(zip(("pk", "key"), _registration(alice), strict=True)),
        "account/verify/": {"proof": "none"},
        "account/reset/": {"uidb64": "MQ", "token": "none"},
        "webhooks/": _webhook(alice, team),
        "teams/": {"pk": team.pk, "user_id": alice.pk, "invitation_id": invitation.pk, "key": key},
        "queries": {
            "datasets/<int:pk>/versions/compare": "?from=1&to=now", "test/about": f"?model={model.pk}",
            "training/plan": f"?dataset={dataset.pk}", "training/preview": f"?dataset={dataset.pk}",
        },
    }  # fmt: skip


def _registration(actor):
    row, key = make_link("registration", actor)
    return row.pk, key


def _webhook(owner, team):
    hook = Webhook.objects.create(owner=owner, team=team, url="https://example.org/hook", events=[])
    return {"pk": hook.pk, "delivery_id": Delivery.objects.create(webhook=hook, event="test", body="{}").pk}


def _job(owner, kind, subject, file="", upload=False, **more):
    job = Job.objects.create(
        **{"owner": owner, "kind": kind, "task": "x", "subject": subject, "status": "completed"} | more
    )
    if file:
        job.file.save(file, ContentFile(b"of the job"))
    if upload:
        job.upload.save("a.zip", ContentFile(b"PK"))
    return job


def _model(owner, version, folder):
    weights = folder / "best.pt"
    weights.write_bytes(b"not really weights")
    model = register_model(
        owner=owner, name="Cells", model_type="yolov8n", weights=weights, class_names=["red", "white"], img_size=64,
        metrics={"overall": FIGURES}, dataset_version=version, team_id=version.dataset.team_id,
    )  # fmt: skip
    name = default_storage.save("models/walk.tar", ContentFile(b"built"))
    type(model).objects.filter(pk=model.pk).update(
        serving_file=name, serving={"format": "openvino", "precision": "f32"}, is_deployed=True
    )
    model.refresh_from_db()
    return model


def _training(owner, dataset, version):
    job = TrainingJob.objects.create(
        user=owner, team=dataset.team, dataset=dataset, dataset_version=version, name="walk", model_type="yolov8n",
        epochs=2, batch_size=2, img_size=64, status="completed", patience=5, completed_at=timezone.now(),
    )  # fmt: skip
    TrainingWatch.objects.create(job=job, classes=[], images=[])
    TrainingLook.objects.create(job=job, epoch=1, found=[])
    drawn = default_storage.save("training/walk.jpg", ContentFile(picture(format="JPEG")))
    TrainingPicture.objects.create(job=job, kind="batch", number=1, epoch=1, images=1, tiles=1, file=drawn)
    return job


def _evaluation(model, version, image):
    line = {
        "sha256": image.sha256, "filename": image.filename, "revision": image.revision, "width": 64, "height": 48,
        "labels": [], "found": [], "cells": [],
    }  # fmt: skip
    lines = default_storage.save("evaluations/walk.gz", ContentFile(gzip.compress(json.dumps(line).encode())))
    return Evaluation.objects.create(
        model=model, dataset_version=version, split="val", images=lines, weights_sha256=model.sha256,
        evaluated_at=timezone.now(), curves={}, results={"overall": FIGURES, "per_class": [], "images": 1},
    )  # fmt: skip


def _export(model):
    name = default_storage.save("exports/walk.onnx", ContentFile(b"onnx"))
    return ModelExport.objects.create(
        model=model, format="onnx", img_size=64, file=name, exported_at=timezone.now(), weights_sha256=model.sha256
    )


def _batch(owner, team, model, image, source):
    params = {"model_id": model.pk, "options": {}, **source}
    job = _job(owner, "batch", f"model:{model.pk}", params=params, team=team, file="drawn.mp4")
    answer = {"predictions": [], "image": {"width": 64, "height": 48}}
    BatchAnswer.objects.create(job=job, number=1, name="a.jpg", image_id=image.pk, answer=answer)
    BatchVideo.objects.create(job=job, codec="h264", width=64, height=48, frame_rate=10, seconds=1)
    return job


def values_of(text, world):
    """The parameters of a route, from the longest beginning that is known; those of its first word fill the rest."""
    short = text.removeprefix("api/v1/").lstrip("^")
    short = re.sub(r"\(\?P<pk>[^)]*\)", "<int:pk>", short)
    best = max((start for start in world if short.startswith(start)), key=len, default=None)
    return {"rest": "nothing", **world.get(f"{short.split('/')[0]}/", {}), **world.get(best, {})}
