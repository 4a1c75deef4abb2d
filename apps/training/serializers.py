"""What the API says and takes about training."""

from datetime import datetime

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.training.arguments import argument_problems, arguments
from apps.training.devices import ACCEPTED, AUTO, FIT
from apps.training.models import TrainingEpoch, TrainingJob
from apps.training.registry import MODEL_TYPES
from apps.training.services.queue import Queue
from apps.training.weights import at_hand

SHORTEST_LIMIT, LONGEST_LIMIT = 60, 366 * 24 * 3600  # seconds


class TrainingRequestSerializer(serializers.Serializer):
    """What can be asked for; ranges are the same as on the page."""

    dataset_id = serializers.IntegerField(min_value=1)
    dataset_version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, allow_null=True,
        help_text="The number of a version of the dataset; none trains on it as it is now.",
    )  # fmt: skip
    name = serializers.CharField(max_length=120, required=False, allow_blank=True)
    model_type = serializers.ChoiceField(choices=MODEL_TYPES)
    weights = serializers.CharField(
        max_length=40,
        default="auto",
        help_text="auto, pretrained, scratch, or the id of a model to start from.",
    )
    epochs = serializers.IntegerField(min_value=1, max_value=10_000, default=100)
    batch_size = serializers.IntegerField(
        min_value=FIT, max_value=1024, default=16, help_text="Images a step; -1 is as many as fit."
    )
    device = serializers.CharField(max_length=40, default=AUTO, help_text=ACCEPTED)
    img_size = serializers.IntegerField(min_value=32, max_value=4096, default=640, help_text="A multiple of 32.")
    learning_rate = serializers.FloatField(min_value=1e-6, max_value=1, required=False, allow_null=True)
    patience = serializers.IntegerField(min_value=0, max_value=10_000, default=50)
    time_limit = serializers.IntegerField(
        min_value=SHORTEST_LIMIT, max_value=LONGEST_LIMIT, required=False, allow_null=True,
        help_text="Seconds of training, over all starts; when they are over, the best so far becomes the model.",
    )  # fmt: skip
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    augmentation = serializers.DictField(
        required=False, help_text=f"Further arguments, see `training/options`: {', '.join(arguments())}."
    )

    def validate_batch_size(self, value):
        if value == 0:
            raise serializers.ValidationError("A whole number from 1 to 1024, or -1 for as many as fit.")
        return value

    def validate_img_size(self, value):
        if value % 32:
            raise serializers.ValidationError(
                f"A multiple of 32; the nearest are {value // 32 * 32} and {value // 32 * 32 + 32}."
            )
        return value

    def validate(self, data):
        problems = argument_problems(data.get("augmentation", {}), data["model_type"])
        if problems:
            words = [f"{name}: {reason}" for name, reason in problems.items()]
            raise serializers.ValidationError({"augmentation": words})
        return data


class TrainingJobSerializer(serializers.ModelSerializer):
    dataset_version = serializers.IntegerField(
        source="dataset_version.number", read_only=True, allow_null=True,
        help_text="None until the trainer has made a version of a large dataset.",
    )  # fmt: skip
    augmentation = serializers.JSONField(source="arguments", read_only=True)
    eta_seconds = serializers.FloatField(source="seconds_left", read_only=True, allow_null=True)
    progress = serializers.FloatField(read_only=True, help_text="0 to 1")
    warnings = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="What its figures should be read with."
    )
    stopped = serializers.CharField(
        source="stop_in_words", read_only=True,
        help_text="Why it stopped where it did: paused, cancelled, by patience or its time limit; else empty.",
    )  # fmt: skip
    can_be_resumed = serializers.BooleanField(read_only=True)
    queue_position = serializers.SerializerMethodField(help_text="Of a waiting job, from 1: its turn.")
    queue_length = serializers.SerializerMethodField(help_text="Of a waiting job: how many wait, with it.")
    expected_start = serializers.SerializerMethodField(
        help_text="Of a waiting job: a guess; none where no trainer is there, or too little is known."
    )

    class Meta:
        model = TrainingJob
        fields = [
            "id", "name", "team", "status", "phase", "progress", "dataset_id", "dataset_version", "model_id",
            "model_type", "weights", "started_from", "epochs", "batch_size", "img_size", "device", "learning_rate",
            "patience", "time_limit", "seed", "augmentation", "current_epoch", "best_map", "best_epoch",
            "training_time", "eta_seconds", "ended_by", "stopped", "can_be_resumed", "error_message", "warnings",
            "environment", "attempts", "started_at", "paused_at", "completed_at", "created_at",
            "queued_at", "queue_position", "queue_length", "expected_start",
        ]  # fmt: skip
        read_only_fields = fields

    def get_queue_position(self, job) -> int | None:
        place = self._place(job)
        return place and place.position

    def get_queue_length(self, job) -> int | None:
        place = self._place(job)
        return place and place.length

    def get_expected_start(self, job) -> datetime | None:
        place = self._place(job)
        return place and place.expected_start

    def _place(self, job):
        """Where a waiting job stands; the queue is read once for all jobs of an answer."""
        if job.status != TrainingJob.Status.PENDING:
            return None
        if "queue" not in self.context:
            self.context["queue"] = Queue()
        return self.context["queue"].place(job.pk)


class CancelSerializer(serializers.Serializer):
    keep = serializers.BooleanField(
        default=True, help_text="Whether the best weights so far become a model, where an epoch was done."
    )


class ArgumentSerializer(serializers.Serializer):
    """An argument that `augmentation` takes; ranges include both ends."""

    name = serializers.CharField()
    group = serializers.CharField()
    kind = serializers.CharField(help_text="float, int, bool or choice")
    default = serializers.JSONField(help_text="Ultralytics' own.")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    choices = serializers.ListField(child=serializers.CharField())
    help = serializers.CharField()


class ArchitectureSerializer(serializers.Serializer):
    """What can be trained, and what it costs: measured with the installed ultralytics."""

    name = serializers.CharField()
    family = serializers.CharField(source="family.name")
    size = serializers.CharField()
    parameters_m = serializers.FloatField(help_text="Millions, as trained.")
    gflops = serializers.FloatField(help_text="Of one image of 640 px.")
    licence = serializers.CharField(source="family.licence")
    can_be_deployed = serializers.BooleanField(source="family.served")
    weights_at_hand = serializers.SerializerMethodField(help_text="Whether its pretrained weights are here.")

    def get_weights_at_hand(self, architecture) -> bool:
        return at_hand(architecture.name)


class OptionsSerializer(serializers.Serializer):
    """All that a training can be asked for."""

    models = ArchitectureSerializer(many=True)
    arguments = ArgumentSerializer(many=True)


class EpochSerializer(serializers.ModelSerializer):
    metrics = extend_schema_field(OpenApiTypes.OBJECT)(serializers.JSONField())

    class Meta:
        model = TrainingEpoch
        fields = ["epoch", "seconds", "metrics"]

    def to_representation(self, row):
        return {"epoch": row.epoch, "seconds": row.seconds, **row.metrics}


class LogSerializer(serializers.Serializer):
    """A piece of the log."""

    text = serializers.CharField()
    next_offset = serializers.IntegerField(help_text="Where to go on reading.")
