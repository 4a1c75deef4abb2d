"""What the API says and takes about captures and shadows."""

from rest_framework import serializers

from apps.core.api import JobSerializer
from apps.inference.access import datasets_to_capture_into, models_to_bring
from apps.inference.capture_forms import MB, MOST_DAYS, MOST_IMAGES, MOST_MB
from apps.inference.fields import CountField, ShareField
from apps.inference.models import Capture

LEAST = 0.0001


class CaptureFiguresSerializer(serializers.Serializer):
    """What came of it. Pictures that the dataset had already are `known`; `over` are those that found it full."""

    in_inbox = serializers.IntegerField(help_text="Not labelled yet, those on their way included.")
    bytes = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Of in_inbox: a worker has yet to bring them in.")
    labelled = serializers.IntegerField()
    trashed = serializers.IntegerField()
    known = serializers.IntegerField()
    over = serializers.IntegerField()
    next_to_go = serializers.DateTimeField(allow_null=True)


class CaptureSerializer(serializers.Serializer):
    """What is left out stays as it is. `dataset_id` names a dataset that you may change."""

    is_on = serializers.BooleanField(required=False)
    dataset_id = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    mode = serializers.ChoiceField(choices=Capture.Mode.choices, required=False)
    rate = ShareField(LEAST, required=False, help_text="Of the pictures, in the mode “rate”.")
    below = ShareField(0.001, required=False, help_text="A box is unsure below it, in the mode “below”.")
    max_images = CountField(1, MOST_IMAGES, required=False, help_text="In the inbox at a time.")
    max_bytes = CountField(1, MOST_MB * MB, required=False)
    keep_days = CountField(1, MOST_DAYS, required=False, help_text="Then what nobody labelled, tagged or grouped goes.")

    def validate_dataset_id(self, value):
        found = datasets_to_capture_into(self.context["user"]).filter(pk=value).first()
        if found is None:
            raise serializers.ValidationError("There is no such dataset that you may change.")
        self.context["dataset"] = found
        return value


class CaptureAnswerSerializer(CaptureSerializer):
    dataset_id = serializers.IntegerField(allow_null=True)
    stopped = serializers.CharField(help_text="Why the platform turned it off; empty where it did not.")
    unmapped = serializers.ListField(
        child=serializers.CharField(), help_text="Classes of the live model that the dataset lacks: not suggested."
    )
    inbox_url = serializers.CharField(allow_null=True, help_text="The gallery with what waits for labels.")
    figures = CaptureFiguresSerializer(allow_null=True)


class ShadowSerializer(serializers.Serializer):
    """The candidate and its share of the questions."""

    model_id = serializers.IntegerField(min_value=1, max_value=2**62)
    share = ShareField(LEAST, required=False, help_text="0.1 where nothing else is said, and was.")

    def validate_model_id(self, value):
        found = models_to_bring(self.context["user"], self.context["deployment"]).filter(pk=value).first()
        if found is None:
            raise serializers.ValidationError(
                "There is no such model of the deployment's owner that is neither archived nor live."
            )
        self.context["model"] = found
        return value


class QuantilesSerializer(serializers.Serializer):
    p50 = serializers.FloatField(allow_null=True)
    p95 = serializers.FloatField(allow_null=True)


class ShadowClassSerializer(serializers.Serializer):
    """Boxes of a class that both, or only one of them found; `moved`: the shadow's confidence less the live one's."""

    name = serializers.CharField()
    both = serializers.IntegerField()
    live = serializers.IntegerField()
    shadow = serializers.IntegerField()
    agreement = serializers.FloatField(allow_null=True)
    moved = serializers.FloatField(allow_null=True, help_text="Mean over the boxes that both found.")
    apart = serializers.FloatField(allow_null=True, help_text="Mean without its sign.")


class ShadowPointSerializer(serializers.Serializer):
    start = serializers.DateTimeField()
    answered = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()
    both = serializers.IntegerField()
    live = serializers.IntegerField()
    shadow = serializers.IntegerField()
    agreement = serializers.FloatField(allow_null=True)
    live_ms = serializers.FloatField(allow_null=True)
    shadow_ms = serializers.FloatField(allow_null=True)


class DifferenceSerializer(serializers.Serializer):
    difference = serializers.FloatField()
    boxes = serializers.IntegerField()


class ShadowFiguresSerializer(serializers.Serializer):
    """Of the last 14 days. Boxes agree with the same class and an IoU of 0.5 at least."""

    answered = serializers.IntegerField()
    skipped = serializers.IntegerField(help_text="Chosen, and not asked: the machine was busy with real questions.")
    failed = serializers.IntegerField()
    since = serializers.DateTimeField(allow_null=True)
    same = serializers.IntegerField(help_text="Pictures with the same boxes.")
    both = serializers.IntegerField()
    live = serializers.IntegerField(help_text="Boxes that only the live model found.")
    shadow = serializers.IntegerField(help_text="Boxes that only the shadow found.")
    agreement = serializers.FloatField(allow_null=True, help_text="Share of the boxes that both found.")
    classes = ShadowClassSerializer(many=True)
    differences = DifferenceSerializer(many=True)
    live_ms = QuantilesSerializer()
    shadow_ms = QuantilesSerializer()
    points = ShadowPointSerializer(many=True)


class ShadowModelSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField(source="number")


class ShadowAnswerSerializer(serializers.Serializer):
    model = ShadowModelSerializer(allow_null=True)
    share = serializers.FloatField()
    state = serializers.ChoiceField(choices=["off", "building", "failed", "answering"])
    job = JobSerializer(allow_null=True, help_text="That builds it, where it is not built yet.")
    figures = ShadowFiguresSerializer(allow_null=True)
