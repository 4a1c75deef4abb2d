"""Images: in, out, and between splits."""

from django.conf import settings
from django.db import transaction

from apps.core.images import BadImage
from apps.datasets.models import SPLITS, DatasetImage
from apps.datasets.services.datasets import refresh_counts
from apps.datasets.services.files import forget_files
from apps.datasets.services.new_images import check_new_image, clean_filename, insert_rows, store_images


def add_images(dataset, files):
    """Add uploaded files; one bad file never fails the others.

    Returns `{created: [DatasetImage], duplicates: [{filename, image_id}], rejected: [{filename, reason}]}`.
    """
    found = {"created": [], "duplicates": [], "rejected": []}
    for file in files:
        name = clean_filename(file.name)
        try:
            if file.size > settings.MAX_IMAGE_BYTES:
                raise BadImage(f"Larger than {settings.MAX_IMAGE_BYTES // 2**20} MB.")
            image, is_new = _add_image(dataset, name, file.read())
        except BadImage as bad:
            found["rejected"].append({"filename": name, "reason": str(bad)})
        else:
            if is_new:
                found["created"].append(image)
            else:
                found["duplicates"].append({"filename": name, "image_id": image.pk})
    if found["created"]:
        refresh_counts(dataset)
    return found


def _add_image(dataset, filename, data):
    new = check_new_image(dataset, filename, data, source="upload")
    store_images([new])
    inserted, existing = insert_rows(dataset, [new.row])
    return (inserted[0], True) if inserted else (existing[new.row.sha256], False)


@transaction.atomic
def delete_images(dataset, images):
    """Delete the images of this queryset with their labels and files; returns how many."""
    images = images.filter(dataset=dataset)
    pks = list(images.values_list("pk", flat=True))
    for start in range(0, len(pks), 500):
        some = DatasetImage.objects.filter(pk__in=pks[start : start + 500])
        forget_files(name for names in some.values_list("thumbnail", "preview") for name in names)
        forget_files(some.filter(in_version=False).values_list("file", flat=True))
        some.delete()
    refresh_counts(dataset)
    return len(pks)


def set_split(dataset, images, split):
    """Put the images of this queryset into `split` ("" for none); returns how many."""
    if split not in (*SPLITS, ""):
        raise ValueError(f"A split is one of {', '.join(SPLITS)}, or empty for none.")
    count = images.filter(dataset=dataset).update(split=split)
    refresh_counts(dataset)
    return count
