"""Tags: words on images. A tag is there as long as an image has it."""

from django.db import connection, transaction
from django.db.models import Value

from apps.datasets.models import Dataset, DatasetImage, Tag

MAX_TAG = 60
MAX_TAGS = 1000
Link = DatasetImage.tags.through


class BadTag(ValueError):
    """A tag that cannot be taken; the message says why."""


def clean_tags(names):
    """The names without outer spaces and without doubles; raises BadTag."""
    cleaned = {}
    for name in names:
        name = " ".join(str(name).split())
        if not name or len(name) > MAX_TAG or not name.isprintable() or "," in name:
            raise BadTag(f"A tag has 1 to {MAX_TAG} printable characters and no comma.")
        cleaned.setdefault(name.casefold(), name)
    return list(cleaned.values())


@transaction.atomic
def tag_images(dataset, images, names):
    """Put tags on the images of this queryset; returns how many images that are. Raises BadTag."""
    tags = _tags(dataset, clean_tags(names))
    images = images.filter(dataset=dataset).order_by()
    for tag in tags:
        _link(images, tag)
    return images.count()


@transaction.atomic
def untag_images(dataset, images, names):
    """Take tags off the images of this queryset; returns how many images had one of them. Raises BadTag."""
    tags = [tag for tag in Tag.objects.filter(dataset=dataset) if tag.name.casefold() in _folded(clean_tags(names))]
    links = Link.objects.filter(tag__in=tags, datasetimage__in=images.filter(dataset=dataset).order_by().values("pk"))
    count = links.values("datasetimage").distinct().count()
    links.delete()
    _drop_unused(dataset)
    return count


@transaction.atomic
def set_tags(image, names):
    """Make these the tags of one image. Raises BadTag."""
    tags = _tags(image.dataset, clean_tags(names))
    image.tags.set(tags)
    _drop_unused(image.dataset)


def _folded(names):
    return {name.casefold() for name in names}


def _tags(dataset, names):
    """The rows of these names, made where they are not there yet; written as they were first."""
    Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
    known = {tag.name.casefold(): tag for tag in Tag.objects.filter(dataset=dataset)}
    new = [name for name in names if name.casefold() not in known]
    if len(known) + len(new) > MAX_TAGS:
        raise BadTag(f"A dataset has at most {MAX_TAGS} tags.")
    for tag in Tag.objects.bulk_create(Tag(dataset=dataset, name=name) for name in new):
        known[tag.name.casefold()] = tag
    return [known[name.casefold()] for name in names]


def _link(images, tag):
    """One statement whatever their number: 100,000 links as rows of their own take ten times as long."""
    rows = images.annotate(tag_to_put=Value(tag.pk)).values_list("pk", "tag_to_put")
    select, params = rows.query.sql_with_params()
    table, image, to = (connection.ops.quote_name(name) for name in (Link._meta.db_table, "datasetimage_id", "tag_id"))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({image}, {to}) {select} ON CONFLICT DO NOTHING", params)


def _drop_unused(dataset):
    Tag.objects.filter(dataset=dataset, images=None).delete()
