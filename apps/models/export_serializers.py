"""What the API says and takes about exports of models."""

from django.urls import reverse
from rest_framework import serializers

from apps.models.export_formats import PRECISIONS
from apps.models.models import ModelExport
from apps.models.services import reason_of


class ExportSerializer(serializers.ModelSerializer):
    status = serializers.SerializerMethodField(help_text="Of the newest attempt.")
    error = serializers.SerializerMethodField(help_text="Why the newest attempt failed.")
    weights_changed = serializers.BooleanField(source="is_outdated", read_only=True)
    difference = serializers.SerializerMethodField(help_text="mAP50-95 of the export less that of the weights.")
    reason = serializers.SerializerMethodField(help_text="Of the verdict, in words.")
    url = serializers.SerializerMethodField(help_text="Of the file; null while there is none.")

    class Meta:
        model = ModelExport
        fields = [
            "id", "model_id", "format", "precision", "img_size", "dynamic", "nms", "status", "job_id", "error",
            "num_bytes", "sha256", "weights_sha256", "weights_changed", "figures", "difference", "verdict", "reason",
            "url", "exported_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_status(self, row) -> str:
        return row.job.status if row.job else "completed" if row.is_made else "cancelled"

    def get_error(self, row) -> str:
        return row.job.error_message if row.job else ""

    def get_difference(self, row) -> float | None:
        return row.difference

    def get_reason(self, row) -> str:
        return reason_of(row)

    def get_url(self, row) -> str | None:
        return reverse("api:export_file", args=[row.model_id, row.pk]) if row.is_made else None


class ExportRequestSerializer(serializers.Serializer):
    format = serializers.CharField(max_length=20, help_text="One of `exports/formats` that can be made here.")
    precision = serializers.ChoiceField(choices=PRECISIONS, default="fp32")
    img_size = serializers.IntegerField(
        required=False, allow_null=True, min_value=32, max_value=4096, help_text="A multiple of 32; else the model's."
    )
    dynamic = serializers.BooleanField(default=False, help_text="Free batch, height and width.")
    nms = serializers.BooleanField(default=False, help_text="Suppress overlapping boxes in the graph.")
    again = serializers.BooleanField(default=False, help_text="Also where it was made of these weights.")

    def validate_img_size(self, value):
        if value and value % 32:
            raise serializers.ValidationError(f"A multiple of 32, as {value // 32 * 32} or {value // 32 * 32 + 32}.")
        return value


class FormatSerializer(serializers.Serializer):
    """A format of ultralytics' list on this machine."""

    format = serializers.CharField(source="key")
    name = serializers.CharField()
    suffix = serializers.CharField()
    can = serializers.BooleanField(help_text="Whether this machine can make it.")
    why_not = serializers.CharField()
    precisions = serializers.ListField(child=serializers.CharField())
    options = serializers.ListField(child=serializers.CharField())
    missing = serializers.DictField(child=serializers.CharField(), help_text="{precision: why not}")
