"""A row of every model, for the pages that the admin makes of each: the world's, or the least that is accepted."""

import uuid
from datetime import timedelta

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.models import Quota

TEXTS = (models.CharField, models.TextField)
ALSO = {Quota: {"person": User}}  # what a constraint asks for besides


def one_of(model):
    """The first row of `model`; where there is none, one is made, and so is what it must belong to."""
    row = model._default_manager.order_by("pk").first()
    if row is None:
        given = {field.name: _value(field) for field in model._meta.concrete_fields if _must(field)}
        row = model._default_manager.create(
            **given | {name: one_of(kind) for name, kind in ALSO.get(model, {}).items()}
        )
    return row


def _must(field):
    given = field.has_default() or field.null or field.primary_key or field.generated
    return not (given or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))


def _value(field):
    if field.is_relation:
        return one_of(field.related_model)
    if field.choices:
        return field.flatchoices[0][0]
    if isinstance(field, TEXTS):
        return "" if field.blank else uuid.uuid4().hex[: field.max_length]
    values = {
        models.BooleanField: False, models.JSONField: {}, models.DateField: timezone.localdate(),
        models.DateTimeField: timezone.now(),
        models.FileField: "none", models.BinaryField: b"",
        models.DurationField: timedelta(),
        models.GenericIPAddressField: "192.0.2.1", models.UUIDField: uuid.uuid4(),
    }  # fmt: skip
    kinds = [kind for kind in values if isinstance(field, kind)]
    return values[kinds[-1]] if kinds else 1


def things(admin_models):
    """`{model: a row}`"""
    return {model: one_of(model) for model in admin_models} | {ContentType: ContentType.objects.order_by("pk").first()}
