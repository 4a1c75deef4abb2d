"""Images: in, and between splits. The way out is the trash."""

from django.conf import settings

from apps.core.images import BadImage
from apps.core.quotas import NoRoomLeft, check_room
from apps.datasets.models import SPLITS, DatasetImage
from apps.datasets.services.datasets import refresh_counts
from apps.datasets.services.new_images import check_new_image, clean_filename, insert_rows, store_images


def add_images(dataset, files):
    """Add uploaded files; one bad file never fails the others.

    Returns `{created: [DatasetImage], duplicates: [{filename, image_id}], rejected: [{filename, reason}]}`. Raises
    NoRoomLeft where nothing came in for want of room.
    """
    found = {"created": [], "duplicates": [], "rejected": []}
    full = None
    for file in files:
        name = clean_filename(file.name)
        try:
            if file.size > settings.MAX_IMAGE_BYTES:
                raise BadImage(f"Larger than {settings.MAX_IMAGE_BYTES // 2**20} MB.")
            image, is_new = _add_image(dataset, name, file.read())
        except (BadImage, NoRoomLeft) as bad:
            full = bad if isinstance(bad, NoRoomLeft) else full
            found["rejected"].append({"filename": name, "reason": str(bad)})
        else:
            if is_new:
                found["created"].append(image)
            else:
                found["duplicates"].append({"filename": name, "image_id": image.pk})
    if full and not found["created"] and not found["duplicates"]:
        raise full
    if found["created"]:
        refresh_counts(dataset)
    return found


def _add_image(dataset, filename, data):
    new = check_new_image(dataset, filename, data, source="upload")
    try:
        check_room(dataset.owner_id, dataset.team_id, new.row.num_bytes)
    except NoRoomLeft:
        if not DatasetImage.objects.filter(dataset=dataset, sha256=new.row.sha256).exists():
            raise
    store_images([new])
    inserted, existing = insert_rows(dataset, [new.row])
    return (inserted[0], True) if inserted else (existing[new.row.sha256], False)


def set_split(dataset, images, split):
    """Put the images of this queryset into `split` ("" for none); returns how many."""
    if split not in (*SPLITS, ""):
        raise ValueError(f"A split is one of {', '.join(SPLITS)}, or empty for none.")
    count = images.filter(dataset=dataset).update(split=split)
    refresh_counts(dataset)
    return count
