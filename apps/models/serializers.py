"""What the API says and takes about trained models."""

from rest_framework import serializers

from apps.models.models import TrainedModel

ENDPOINT = "/api/v1/predictions/infer"


class ModelSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", read_only=True)
    metrics = serializers.SerializerMethodField(help_text="The overall metrics; all of them at `metrics`.")
    endpoint = serializers.SerializerMethodField()
    dataset_version = serializers.SerializerMethodField()

    class Meta:
        model = TrainedModel
        fields = [
            "id", "name", "description", "owner", "task", "model_type", "num_classes", "class_names", "metrics",
            "img_size", "num_bytes", "sha256", "is_public", "is_deployed", "endpoint", "serving", "training_id",
            "dataset_version", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = [field for field in fields if field not in ("name", "description", "is_public")]

    def get_metrics(self, model) -> dict:
        return model.metrics.get("overall", {})

    def get_endpoint(self, model) -> str | None:
        return ENDPOINT if model.is_deployed else None

    def get_dataset_version(self, model) -> dict | None:
        version = model.dataset_version
        return version and {"dataset_id": version.dataset_id, "number": version.number}
