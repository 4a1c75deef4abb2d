"""What the API says and takes about trained models."""

from rest_framework import serializers
from rest_framework.utils.html import is_html_input

from apps.accounts.teams.fields import TeamField
from apps.annotations.seen import seen
from apps.annotations.seen_figures import FiguresList, WithFigures
from apps.core import uploads
from apps.core.api import TooLarge
from apps.models.lineage import files_of
from apps.models.mistakes import KINDS
from apps.models.models import Evaluation, TrainedModel
from apps.models.services.operating_points import RULES
from apps.models.services.stages import LONGEST_TAG, clean_tags
from apps.models.services.uploads import MOST_BYTES, UploadRefused, class_names_in, format_of

ENDPOINT = "/api/v1/predictions/infer"
CHANGEABLE = ("name", "stage", "tags", "description", "licence", "is_public", "operating_point")


class TagsField(serializers.ListField):
    """A model's tags, as words."""

    child = serializers.CharField(max_length=LONGEST_TAG)

    def to_internal_value(self, data):
        try:
            return clean_tags(super().to_internal_value(data))
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None

    def to_representation(self, value):
        return [tag.name for tag in value.all()]


class ModelSerializer(WithFigures, serializers.ModelSerializer):
    figures_at = ("serving",)
    name = serializers.CharField(max_length=120, help_text="Of the line: a new name is that of all its versions.")
    version = serializers.IntegerField(source="number", read_only=True)
    tags = TagsField(required=False)
    owner = serializers.CharField(source="owner.username", read_only=True)
    team = TeamField(read_only=True)
    metrics = serializers.SerializerMethodField(help_text="The overall metrics; all of them at `metrics`.")
    endpoint = serializers.SerializerMethodField()
    dataset_version = serializers.SerializerMethodField(help_text="None too where one may not see the dataset.")
    operating_point = serializers.JSONField(
        required=False, allow_null=True, help_text="The default threshold; takes an OperatingPoint, null clears it."
    )

    class Meta:
        model = TrainedModel
        list_serializer_class = FiguresList
        fields = [
            "id", "name", "version", "line_id", "stage", "tags", "description", "owner", "team", "task", "model_type",
            "origin", "format", "licence", "num_classes", "class_names", "metrics", "img_size", "num_bytes", "sha256",
            "is_public", "is_deployed", "endpoint", "serving", "operating_point", "training_id", "dataset_version",
            "parent_id", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = [field for field in fields if field not in CHANGEABLE]

    def validate_operating_point(self, value):
        if not value:
            return None
        point = OperatingPointSerializer(data=value, context={"model": self.instance})
        point.is_valid(raise_exception=True)
        return point.validated_data

    def get_metrics(self, model) -> dict:
        return model.metrics.get("overall", {})

    def get_endpoint(self, model) -> str | None:
        return ENDPOINT if model.is_deployed else None

    def get_dataset_version(self, model) -> dict | None:
        version = seen(self.context["request"].user, model.dataset_version)
        return version and {"dataset_id": version.dataset_id, "number": version.number}


class ModelDetailSerializer(ModelSerializer):
    """One model, with its card and its files."""

    card = serializers.JSONField(read_only=True, help_text="How it was made, as it was noted then.")
    files = serializers.SerializerMethodField()

    class Meta(ModelSerializer.Meta):
        fields = [*ModelSerializer.Meta.fields, "card", "files"]
        read_only_fields = [*ModelSerializer.Meta.read_only_fields, "card", "files"]

    def get_files(self, model) -> list[dict]:
        return files_of(model)


class ClassNamesField(serializers.ListField):
    """Names of classes in the model's order; in a form also one text, one name a line or parted by commas."""

    child = serializers.CharField(max_length=100)

    def get_value(self, data):
        found = super().get_value(data)
        is_text = is_html_input(data) and isinstance(found, list) and len(found) == 1
        return class_names_in(found[0]) if is_text else found


class ClassNamesSerializer(serializers.Serializer):
    """What an upload asked for."""

    class_names = ClassNamesField(max_length=10_000, allow_empty=False, help_text="In the model's order.")


class WeightsSerializer(serializers.Serializer):
    """Weights made elsewhere: a `file`, or the id of a finished resumable `upload`."""

    file = serializers.FileField(required=False, help_text="Weights of Ultralytics as .pt, or a model as .onnx.")
    upload = serializers.UUIDField(required=False, help_text="Instead of a file: the id of a finished upload.")
    name = serializers.CharField(
        max_length=120, required=False, help_text="That of a model of yours adds a version to it; else of the file."
    )
    class_names = ClassNamesField(
        required=False, max_length=10_000,
        help_text="In the model's order, for an .onnx that does not tell them: the field once for each name, or one "
        "text with one name a line or parted by commas.",
    )  # fmt: skip
    description = serializers.CharField(max_length=5000, required=False, allow_blank=True)
    tags = TagsField(required=False)
    is_public = serializers.BooleanField(default=False)
    team = TeamField()

    def validate(self, data):
        data["team_id"] = (team := data.pop("team", None)) and team.pk
        if ("file" in data) == ("upload" in data):
            raise serializers.ValidationError({"file": ["Send either a file or the id of a finished upload."]})
        field = "file" if "file" in data else "upload"
        try:
            if field == "file":
                data["weights"] = data.pop("file")
                data["filename"] = data["weights"].name
                if data["weights"].size > MOST_BYTES:
                    raise TooLarge(f"Larger than {MOST_BYTES // 2**20} MB.")
            else:
                user = self.context["request"].user
                data["weights"], data["filename"] = uploads.stored_upload(user, data.pop("upload"))
            format_of(data["filename"])
        except (uploads.UploadError, UploadRefused) as error:
            raise serializers.ValidationError({field: [str(error)]}) from None
        return data


class LineageSerializer(serializers.Serializer):
    """Dataset version → training → model → deployment, as far as one may see it."""

    dataset_version = serializers.SerializerMethodField()
    training_id = serializers.IntegerField(allow_null=True)
    parent = serializers.SerializerMethodField(help_text="The model that its training began with.")
    model = serializers.SerializerMethodField()
    children = serializers.SerializerMethodField(help_text="Models whose training began with it.")
    deployments = serializers.SerializerMethodField(help_text="Those that it answers for.")

    def get_dataset_version(self, found) -> dict | None:
        version = found["dataset_version"]
        return version and {
            "id": version.pk, "dataset_id": version.dataset_id, "dataset": version.dataset.name,
            "number": version.number,
        }  # fmt: skip

    def get_parent(self, found) -> dict | None:
        return found["parent"] and _named(found["parent"])

    def get_model(self, found) -> dict:
        return _named(found["model"])

    def get_children(self, found) -> list[dict]:
        return [_named(model) for model in found["children"]]

    def get_deployments(self, found) -> list[dict]:
        since = found["model"].deployed_at
        return [{"id": one.pk, "name": one.name, "endpoint": ENDPOINT, "since": since} for one in found["deployments"]]


def _named(model):
    return {"id": model.pk, "name": model.name, "version": model.number, "stage": model.stage}


class OperatingPointSerializer(serializers.Serializer):
    """A confidence, or the rule that finds it on the curves of an evaluation."""

    rule = serializers.ChoiceField(choices=RULES, default="manual")
    target = serializers.FloatField(
        required=False, allow_null=True, min_value=0, max_value=1, help_text="The precision or recall that is wanted."
    )
    confidence = serializers.FloatField(required=False, min_value=0.001, max_value=1)
    per_class = serializers.JSONField(
        required=False, help_text="`{class id: confidence}`, or true: what the rule gives for each class of its own."
    )
    evaluation_id = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=2**62,
        help_text="On whose curves; else the newest on validation, of what it learned from first.",
    )

    def validate_per_class(self, value):
        if isinstance(value, bool) or value is None:
            return value
        try:
            found = {str(int(class_id)): float(confidence) for class_id, confidence in value.items()}
        except (AttributeError, TypeError, ValueError, OverflowError):
            raise serializers.ValidationError("Accepted: {class id: confidence}, or true.") from None
        wrong = [i for i, confidence in found.items() if not 0 <= confidence <= 1 or not 0 <= int(i) < self._classes()]
        if wrong:
            raise serializers.ValidationError(
                f"Class ids are 0 to {self._classes() - 1}, confidences 0 to 1; wrong for: {', '.join(wrong[:10])}."
            )
        return found

    def _classes(self):
        return len(self.context["model"].class_names)

    def validate(self, data):
        if data["rule"] in ("precision", "recall") and data.get("target") is None:
            raise serializers.ValidationError({"target": [f"Say which {data['rule']} is wanted, from 0 to 1."]})
        if data["rule"] == "manual" and data.get("confidence") is None:
            raise serializers.ValidationError({"confidence": ["Give a confidence, or a rule."]})
        return data


class EvaluationRowSerializer(serializers.ModelSerializer):
    """One evaluation in a list."""

    dataset_id = serializers.IntegerField(source="dataset_version.dataset_id", read_only=True)
    dataset_version = serializers.IntegerField(source="dataset_version.number", read_only=True)
    status = serializers.SerializerMethodField(help_text="Of the newest attempt.")
    overall = serializers.SerializerMethodField()
    weights_changed = serializers.SerializerMethodField(help_text="Whether the model has other weights since.")

    class Meta:
        model = Evaluation
        fields = [
            "id", "model_id", "dataset_id", "dataset_version", "split", "status", "job_id", "overall",
            "weights_changed", "evaluated_at", "created_at",
        ]  # fmt: skip
        read_only_fields = fields

    def get_status(self, row) -> str:
        return row.job.status if row.job else "completed" if row.is_measured else "cancelled"

    def get_overall(self, row) -> dict:
        return row.results.get("overall", {})

    def get_weights_changed(self, row) -> bool:
        return row.is_measured and row.weights_sha256 != row.model.sha256


class EvaluationSerializer(EvaluationRowSerializer):
    """All of it: figures, curves and confusion matrix as numbers."""

    class Meta(EvaluationRowSerializer.Meta):
        fields = [*EvaluationRowSerializer.Meta.fields, "results", "curves"]
        read_only_fields = fields


class EvaluationRequestSerializer(serializers.Serializer):
    dataset_id = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)
    split = serializers.ChoiceField(choices=Evaluation.SPLITS, default="val")
    again = serializers.BooleanField(default=False, help_text="Also where it was measured with these weights.")

    def validate(self, data):
        if ("dataset_id" in data) != ("version" in data):
            raise serializers.ValidationError("Give both dataset_id and version, or neither for the model's own.")
        return data


class MistakeSerializer(serializers.Serializer):
    kind = serializers.ChoiceField(choices=list(KINDS.items()))
    class_id = serializers.IntegerField(help_text="What the model said; of a miss what the label is.")
    label_class = serializers.IntegerField(allow_null=True)
    confidence = serializers.FloatField(allow_null=True)
    iou = serializers.FloatField(allow_null=True)
    box = serializers.ListField(child=serializers.FloatField(), allow_null=True, help_text="x1, y1, x2, y2 in pixels")
    label_box = serializers.ListField(child=serializers.FloatField(), allow_null=True)


class WrongImageSerializer(serializers.Serializer):
    image_id = serializers.IntegerField(source="image.pk", default=None, help_text="null: gone from the dataset")
    filename = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    revision = serializers.IntegerField(help_text="Of its labels, as the version has them.")
    score = serializers.FloatField(help_text="How wrong the model was.")
    is_confirmed = serializers.BooleanField(help_text="Somebody said that the labels are right.")
    is_changed = serializers.BooleanField(help_text="Its labels have been changed since the version.")
    mistakes = MistakeSerializer(many=True)
