"""A dataset's images as somebody asked for them: narrowed, in an order, read by position.

The gallery shows 100,000 of them through windows. A window's ids come out of an index (OFFSET walks its entries, 4 ms
for 100,000 of them), and only its own rows are read.
"""

from functools import cached_property

from django.db.models import F, prefetch_related_objects
from rest_framework.exceptions import ValidationError

from apps.datasets.filters import ImageFilter, images_matching
from apps.datasets.models import DatasetImage
from apps.datasets.services.similar import nearest_images

MOST_SIMILAR = 200
MOST_IDS = 10_000
PIXELS = F("width") * F("height")
SORTS = {  # each ends in the id and runs one way through, so that one index serves both directions
    "oldest": ("Oldest first", ["pk"]),
    "newest": ("Newest first", ["-pk"]),
    "name": ("By name", ["filename", "pk"]),
    "most_boxes": ("Most boxes", ["-num_boxes", "-pk"]),
    "fewest_boxes": ("Fewest boxes", ["num_boxes", "pk"]),
    "largest": ("Largest", [PIXELS.desc(), "-pk"]),
    "smallest": ("Smallest", [PIXELS.asc(), "pk"]),
}
DEFAULT_SORT = "oldest"


def in_order(images, sort):
    """The images in the order of this name ("" for the usual one); raises ValidationError."""
    if (sort or DEFAULT_SORT) not in SORTS:
        raise ValidationError({"sort": [f"{sort[:40]!r} is not known. Accepted: {', '.join(SORTS)}."]})
    return images.order_by(*SORTS[sort or DEFAULT_SORT][1])


def by_id(images):
    """The same images, by a condition that every id meets: SQLite then looks through them in the order of the table,
    where it would take another index of equal worth and half as quick."""
    return images.filter(pk__gt=0)


class ImageList:
    """The images of `dataset` that `query` (a QueryDict or dict) asks for; raises ValidationError.

    `similar=<image id>` puts the images most like that one in the place of the order, at most MOST_SIMILAR.
    """

    def __init__(self, dataset, query):
        self.dataset, self.query = dataset, query
        self.images = in_order(images_matching(dataset, query), query.get("sort", ""))
        self.is_narrowed = any(str(query.get(name, "")).strip() for name in ImageFilter.base_filters)

    @cached_property
    def similar_to(self):
        """The image that the others are to be like, or None."""
        wanted = str(self.query.get("similar", ""))
        if not wanted:
            return None
        image = None
        if wanted.isdecimal() and len(wanted) < 19:
            image = DatasetImage.objects.filter(dataset=self.dataset, pk=wanted).first()
        if image is None:
            raise ValidationError({"similar": ["There is no such image in this dataset."]})
        return image

    @cached_property
    def count(self):
        """How many there are; costs a query only where a filter narrows them."""
        if self.similar_to:
            return len(self._alike)
        return by_id(self.images).count() if self.is_narrowed else self.dataset.num_images

    @property
    def known_count(self):
        """The count where it costs nothing, else None."""
        return None if self.is_narrowed and not self.similar_to else self.count

    def ids(self, start, size):
        """Ids from position `start` on, at most `size`."""
        if self.similar_to:
            return self._alike[start : start + size]
        return list(self.images.values_list("pk", flat=True)[start : start + size])

    def window(self, start, size):
        """Images from position `start` on, at most `size`, with their tags."""
        ids = self.ids(start, size)
        rows = DatasetImage.objects.defer("signature").in_bulk(ids)
        found = [rows[pk] for pk in ids if pk in rows]
        prefetch_related_objects(found, "tags")
        for image in found:
            image.dataset = self.dataset
        return found

    def __len__(self):
        return self.count

    def __getitem__(self, some):
        """A slice, as a paginator asks for it."""
        return self.window(some.start or 0, some.stop - (some.start or 0))

    @cached_property
    def _alike(self):
        return nearest_images(self.similar_to, by_id(self.images), MOST_SIMILAR)
