"""What a new installation is given: a demo account and the sample dataset."""

import os
import secrets
from collections import namedtuple

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import register_user
from apps.annotations.services.labels import save_labels
from apps.datasets import services as datasets
from apps.datasets.models import Dataset
from apps.datasets.sample import SAMPLE_NAME, generate_sample

Account = namedtuple("Account", "username password")
DEMO_NAME = "demo"


def demo_account():
    """The demo account with its password, made once; None where there is none because people made their own."""
    kept = settings.DATA_DIR / "demo_password"
    user = User.objects.filter(username=DEMO_NAME).first()
    if user is None:
        if User.objects.exists():
            return None
        handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(9))
        register_user(DEMO_NAME, "demo@localhost.localdomain", kept.read_text(), is_staff=True, is_superuser=True)
        return Account(DEMO_NAME, kept.read_text())
    known = kept.read_text() if kept.exists() else ""
    return Account(DEMO_NAME, known if known and user.check_password(known) else "(changed by its owner)")


def sample_dataset():
    """The sample dataset of the demo account, made once; None where it was deleted."""
    made = settings.DATA_DIR / "sample_made"
    sample = Dataset.objects.filter(is_sample=True).first()
    owner = User.objects.filter(username=DEMO_NAME).first()
    if sample is None and owner and not made.exists():
        sample = make_sample(owner)
        made.touch()
    return sample


@transaction.atomic
def make_sample(owner):
    """Draw the sample dataset and put it in by the same services as everything else; returns the dataset."""
    images = list(generate_sample())
    names = sorted({box[0] for image in images for box in image.boxes})
    dataset = datasets.create_dataset(
        owner, SAMPLE_NAME, "Drawn by the platform: overlapping shapes on noisy backgrounds. Press “Train”: a model "
        "learns them from nothing within minutes.", class_names=names, is_public=True, is_sample=True,
    )  # fmt: skip
    files = [SimpleUploadedFile(image.filename, image.data) for image in images]
    rows = {row.filename: row for row in datasets.add_images(dataset, files)["created"]}
    for image in images:
        row = rows[image.filename]
        row.dataset = dataset
        boxes = [
            {"class_id": names.index(name), "x_center": x, "y_center": y, "width": w, "height": h}
            for name, x, y, w, h in image.boxes
        ]
        save_labels(row, 0, boxes, owner)
        datasets.set_split(dataset, dataset.images.filter(pk=row.pk), image.split)
    return dataset
