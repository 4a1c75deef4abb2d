"""Renaming a class with all its labels."""

from django.db import transaction

from apps.annotations.models import Annotation
from apps.datasets import services as datasets


@transaction.atomic
def rename_class(dataset, class_id, name):
    """The class keeps its id; its labels carry the new name. Raises BadClassName."""
    name = datasets.set_class_name(dataset, class_id, name)
    Annotation.objects.filter(image__dataset=dataset, class_id=class_id).update(class_name=name)
