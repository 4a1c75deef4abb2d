"""What the API says and takes about deployments and their switches."""

from dataclasses import asdict

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.teams.fields import TeamField
from apps.annotations.seen_figures import FiguresList, WithFigures
from apps.core.access import Right
from apps.inference.access import models_to_bring, versions_to_judge_on
from apps.inference.fields import ClassIdsField, CountField, PerClassField, ShareField
from apps.inference.models import Deployment, Switch
from apps.inference.services import Choice, choice_of
from apps.models.access import held_by
from apps.models.models import ServingBuild, TrainedModel
from apps.models.serializers import ENDPOINT


class DefaultsSerializer(serializers.Serializer):
    """What holds where a call leaves it out; where it is left out here too, the operating point of the live model."""

    conf = ShareField(0.001, required=False, allow_null=True, help_text="Least confidence.")
    per_class = PerClassField(required=False, allow_null=True, help_text="Least confidence of single classes, by id.")
    iou = ShareField(required=False, allow_null=True, help_text="Overlap at which boxes are one.")
    max_det = CountField(1, 3000, required=False, allow_null=True, help_text="Most boxes.")
    classes = ClassIdsField(required=False, allow_null=True, help_text="Only these class ids; none: all.")

    def to_internal_value(self, data):
        unknown = set(data) - set(self.fields) if isinstance(data, dict) else ()
        if unknown:
            words = f"Accepted: {', '.join(self.fields)}."
            raise serializers.ValidationError({name: [words] for name in map(str, unknown)})
        return super().to_internal_value(data)

    def to_representation(self, defaults):
        return defaults


def kept_defaults(values, class_names):
    """Checked defaults as a deployment keeps them: nothing that says nothing. Raises ValidationError by field."""
    kept = {name: value for name, value in values.items() if value not in (None, [], {})}
    last = len(class_names) - 1
    for field in ("classes", "per_class"):
        if any(int(one) > last for one in kept.get(field) or ()):
            raise serializers.ValidationError({field: [f"The model that answers has the classes 0 to {last}."]})
    return kept


class VersionOfSerializer(serializers.ModelSerializer):
    version = serializers.IntegerField(source="number")

    class Meta:
        model = TrainedModel
        fields = ["id", "name", "version", "img_size"]
        read_only_fields = fields


class ChoiceSerializer(serializers.Serializer):
    """How a model is to be served. What is left out is chosen by what was measured, and by the model."""

    runtime = serializers.ChoiceField(choices=ServingBuild.RUNTIMES, default="auto")
    precision = serializers.ChoiceField(
        choices=ServingBuild.PRECISIONS, default="auto",
        help_text="int8 serves where its mAP50-95, of boxes and of masks, is within 0.02 of the weights’ own; auto "
        "takes it where it is quicker and within 0.002.",
    )  # fmt: skip
    img_size = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=10_000,
        help_text="The longer side in pixels, a multiple of 32; the model's own by default.",
    )  # fmt: skip


class ServedSerializer(serializers.Serializer):
    """How the model that answers is served: what was chosen, and what came of it."""

    chosen = ChoiceSerializer()
    runtime = serializers.CharField(allow_null=True, help_text="openvino or onnxruntime.")
    precision = serializers.CharField(allow_null=True)
    img_size = serializers.IntegerField(allow_null=True)
    proof = serializers.DictField(help_text="How it was proven, and what else was timed.")


class SwitchSerializer(WithFigures, serializers.ModelSerializer):
    """A change of what answers. `state`: waiting, done, blocked, failed."""

    figures_at = ("judgement",)
    old = VersionOfSerializer(read_only=True, allow_null=True)
    new = VersionOfSerializer(read_only=True, allow_null=True)
    by = serializers.CharField(source="by.username", default=None, read_only=True)
    state = serializers.ChoiceField(choices=Switch.State.choices, source="outcome", read_only=True)
    reason = serializers.CharField(source="words", read_only=True, help_text="Why it was blocked, or failed.")
    job_id = serializers.IntegerField(allow_null=True, read_only=True)
    may_be_overruled = serializers.BooleanField(read_only=True)
    choice = serializers.DictField(read_only=True, help_text="How the new one was to be served; empty: as it is built.")

    class Meta:
        model = Switch
        list_serializer_class = FiguresList
        fields = [
            "id", "old", "new", "by", "state", "is_return", "judgement", "reason", "overruled", "job_id", "created_at",
            "switched_at", "may_be_overruled", "choice",
        ]  # fmt: skip
        read_only_fields = fields


class DeploymentSerializer(WithFigures, serializers.ModelSerializer):
    """A stable name in front of a version of a model."""

    figures_at = ("served", "proof")
    owner = serializers.CharField(source="owner.username", read_only=True)
    team = TeamField(read_only=True)
    endpoint = serializers.SerializerMethodField(help_text="Ask it with `model` as this name.")
    model = VersionOfSerializer(read_only=True, allow_null=True, help_text="What answers now.")
    previous = VersionOfSerializer(
        read_only=True, allow_null=True, help_text="What did before; `back` brings it again."
    )
    served = serializers.SerializerMethodField(help_text="How what answers is served.")
    answers = serializers.BooleanField(read_only=True)
    defaults = DefaultsSerializer(required=False)
    gate_version_id = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**62, help_text="A dataset version that you see."
    )
    max_fall = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=1,
        help_text="How much lower a new version's mAP50-95 may be; of masks too.",
    )

    class Meta:
        model = Deployment
        list_serializer_class = FiguresList
        fields = [
            "id", "name", "description", "owner", "team", "endpoint", "answers", "model", "previous", "served",
            "is_active",
            "is_public", "defaults", "gate_version_id", "gate_split", "max_fall", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["created_at", "updated_at"]
        validators = []  # that a name is taken the service says

    def get_endpoint(self, deployment) -> str:
        return ENDPOINT

    @extend_schema_field(ServedSerializer)
    def get_served(self, deployment):
        chosen, model = choice_of(deployment), deployment.served
        known = model.serving if model else {}
        return {
            "chosen": asdict(chosen), "runtime": (known and known.get("runtime", "openvino")) or None,
            "precision": known.get("precision"), "img_size": model and model.img_size, "proof": known,
        }  # fmt: skip

    def validate_name(self, name):
        if not name.isprintable():
            raise serializers.ValidationError("1 to 120 printable characters.")
        return name

    def validate_defaults(self, values):
        live = self.instance and self.instance.model
        return kept_defaults(values, live.class_names if live else range(1_000_000))

    def validate_gate_version_id(self, pk):
        known = pk is None or versions_to_judge_on(self.context["request"].user).filter(pk=pk).exists()
        if not known:
            raise serializers.ValidationError("There is no such dataset version that you can see.")
        return pk


class NewDeploymentSerializer(DeploymentSerializer):
    model_id = serializers.IntegerField(
        required=False, min_value=1, max_value=2**62, write_only=True, help_text="A model of yours that is to answer."
    )
    team = TeamField(help_text="Whose it is; without it whose the model is, else mine.")
    serving = ChoiceSerializer(required=False, write_only=True, help_text="How it is to be served.")

    class Meta(DeploymentSerializer.Meta):
        fields = [*DeploymentSerializer.Meta.fields, "model_id", "serving"]

    def validate(self, data):
        """`model` is the one that is to answer; the deployment belongs to whom it belongs."""
        team = data.pop("team", None)
        pk, data["model"] = data.pop("model_id", None), None
        if pk is not None:
            data["model"] = held_by(self.context["request"].user, Right.EDIT).filter(pk=pk).first()
            if data["model"] is None or data["model"].is_archived:
                raise serializers.ValidationError(
                    {"model_id": ["You have no such model that can be brought behind it."]}
                )
            if team and team.pk != data["model"].team_id:
                raise serializers.ValidationError({"team": ["The model is not this team's: transfer it first."]})
        data["team_id"] = data["model"].team_id if data["model"] else team and team.pk
        return data


class BringSerializer(serializers.Serializer):
    model_id = serializers.IntegerField(min_value=1, max_value=2**62)
    overrule = serializers.CharField(
        required=False, allow_blank=True, max_length=400, help_text="Why it is to be switched whatever the gate says."
    )

    version_id = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**62,
        help_text="A dataset version to build and judge it on; it is the gate's from then on.",
    )  # fmt: skip
    serving = ChoiceSerializer(
        required=False, help_text="How it is to be served; left out, as what answers now is. The live model too."
    )

    version = None

    def validate_version_id(self, pk):
        self.version = pk and versions_to_judge_on(self.context["user"]).filter(pk=pk).first()
        if pk and self.version is None:
            raise serializers.ValidationError("There is no such dataset version that you can see.")
        return pk

    @property
    def choice(self):
        """The Choice that was made, or None."""
        asked = self.validated_data.get("serving")
        return None if asked is None else Choice(**asked)

    def validate_model_id(self, pk):
        deployment, user = self.context["deployment"], self.context["user"]
        if deployment.model_id == pk:
            if "serving" not in self.initial_data:
                raise serializers.ValidationError("This model answers already.")
            self.model = deployment.model
            return pk
        model = models_to_bring(user, deployment).filter(pk=pk).first()
        if model is None:
            raise serializers.ValidationError("The deployment's owner has no such model that can be brought behind it.")
        self.model = model
        return pk
