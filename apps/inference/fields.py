"""The fields of a question to a model, with what is wrong in words."""

import base64
import binascii
import json
import math

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(OpenApiTypes.FLOAT)
class ShareField(serializers.Field):
    """A number from `least` to `most`. NaN and the truth values are none."""

    def __init__(self, least=0, most=1, **options):
        self.least, self.most = least, most
        super().__init__(**options)

    def to_internal_value(self, value):
        number = self._number(value)
        if number is None or not self.least <= number <= self.most:
            raise serializers.ValidationError(f"A number from {self.least:g} to {self.most:g}.")
        return number

    @staticmethod
    def _number(value):
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return None if math.isnan(number) else number

    def to_representation(self, value):
        return value


class CountField(serializers.IntegerField):
    """A whole number between two bounds; a truth value is none."""

    def __init__(self, least, most, **options):
        words = f"A whole number from {least} to {most}."
        messages = dict.fromkeys(("invalid", "min_value", "max_value", "max_string_length", "null"), words)
        super().__init__(min_value=least, max_value=most, error_messages=messages, **options)

    def to_internal_value(self, value):
        if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
            self.fail("invalid")
        return super().to_internal_value(value)


class YesNoField(serializers.BooleanField):
    """A truth value whose default counts in forms as well; ticked boxes aside, what a form leaves out is no "no"."""

    default_empty_html = serializers.empty


@extend_schema_field({"type": "array", "items": {"type": "integer"}})
class ClassIdsField(serializers.Field):
    """Class ids, as a list or apart by commas."""

    words = "Class ids, as [0, 2] or 0,2."

    def to_internal_value(self, value):
        ids = [word for word in value.split(",") if word.strip()] if isinstance(value, str) else value
        if not isinstance(ids, list) or len(ids) > 10_000:
            raise serializers.ValidationError(self.words)
        return [class_id(one, self.words) for one in ids]

    def to_representation(self, value):
        return value


@extend_schema_field({"type": "object", "additionalProperties": {"type": "number"}})
class PerClassField(serializers.Field):
    """{class id: least confidence}, as JSON's object or as its text in a form."""

    words = 'Confidences by class id, as {"0": 0.4, "2": 0.1}.'

    def __init__(self, **options):
        self.share = ShareField(0.001)
        super().__init__(**options)

    def to_internal_value(self, value):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise serializers.ValidationError(self.words) from None
        if not isinstance(value, dict) or len(value) > 10_000:
            raise serializers.ValidationError(self.words)
        return {str(class_id(key, self.words)): self.share.to_internal_value(least) for key, least in value.items()}

    def to_representation(self, value):
        return value


def class_id(value, words):
    """The number that `value` writes, from 0; raises ValidationError with `words`."""
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdecimal() and len(text) < 7):
        raise serializers.ValidationError(words)
    return int(text)


@extend_schema_field(OpenApiTypes.STR)
class PictureField(serializers.Field):
    """The bytes of a picture: of an uploaded file, of a body that is one, or of base64."""

    default_error_messages = {
        "required": "Send an image: JPEG, PNG, WebP, BMP or TIFF.",
        "invalid": "Neither a file nor base64.",
    }

    def to_internal_value(self, value):
        if isinstance(value, bytes):
            return value
        if isinstance(value, UploadedFile):
            return value.read()
        if not isinstance(value, str):
            self.fail("invalid")
        if value.startswith("data:"):
            value = value.partition(",")[2]
        try:
            return base64.b64decode("".join(value.split()), validate=True)
        except (ValueError, binascii.Error):
            self.fail("invalid")

    def to_representation(self, value):
        return value
