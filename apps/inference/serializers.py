"""What the API says and takes about predictions."""

from rest_framework import serializers


class InferSerializer(serializers.Serializer):
    image = serializers.FileField(help_text="JPEG, PNG, WebP, BMP or TIFF.", allow_empty_file=True)
    model_id = serializers.IntegerField(required=False, min_value=1)
    model = serializers.CharField(required=False, max_length=120, help_text="Its name, instead of model_id.")
    conf = serializers.FloatField(
        required=False, min_value=0.001, max_value=1,
        help_text="Least confidence; by default the model's operating point, else 0.25.",
    )  # fmt: skip
    iou = serializers.FloatField(default=0.7, min_value=0, max_value=1, help_text="Overlap at which boxes are one.")
    max_det = serializers.IntegerField(default=300, min_value=1, max_value=3000)
    classes = serializers.CharField(required=False, help_text="Only these class ids, apart by commas.")

    def validate_classes(self, value):
        try:
            return [int(word) for word in value.split(",") if word.strip()]
        except ValueError:
            raise serializers.ValidationError("Class ids apart by commas, as 0,2.") from None

    def validate(self, data):
        if ("model_id" in data) == ("model" in data):
            raise serializers.ValidationError({"model_id": ["Give either `model_id` or `model`."]})
        return data


class BoxSerializer(serializers.Serializer):
    x1 = serializers.FloatField()
    y1 = serializers.FloatField()
    x2 = serializers.FloatField()
    y2 = serializers.FloatField()


class FoundSerializer(serializers.Serializer):
    class_id = serializers.IntegerField()
    class_name = serializers.CharField()
    confidence = serializers.FloatField()
    box = BoxSerializer(help_text="Pixels of the upright image.")
    x_center = serializers.FloatField()
    y_center = serializers.FloatField()
    width = serializers.FloatField()
    height = serializers.FloatField()


class AskedModelSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    name = serializers.CharField()


class SizeSerializer(serializers.Serializer):
    width = serializers.IntegerField()
    height = serializers.IntegerField()


class SpeedSerializer(serializers.Serializer):
    decode_ms = serializers.FloatField()
    preprocess_ms = serializers.FloatField()
    inference_ms = serializers.FloatField()
    postprocess_ms = serializers.FloatField()


class AnswerSerializer(serializers.Serializer):
    model = AskedModelSerializer()
    image = SizeSerializer()
    predictions = FoundSerializer(many=True)
    speed = SpeedSerializer()


class DeploymentSerializer(serializers.Serializer):
    is_deployed = serializers.BooleanField()
    endpoint = serializers.CharField(allow_null=True)


class PrelabelSerializer(serializers.Serializer):
    model_id = serializers.IntegerField(min_value=1, max_value=2**62)
    conf = serializers.FloatField(default=0.1, min_value=0.01, max_value=1)


class PrelabelManySerializer(PrelabelSerializer):
    filter = serializers.DictField(child=serializers.CharField(), required=False, default=dict)


def answer(model, prediction):
    """A runtime's prediction in the shape of AnswerSerializer, as a plain dict: this is the hot path."""
    width, height = prediction.width, prediction.height
    return {
        "model": {"id": model.pk, "name": model.name},
        "image": {"width": width, "height": height},
        "predictions": [_found(box, model.class_names, width, height) for box in prediction.boxes],
        "speed": {name: round(value, 2) for name, value in prediction.speed.items()},
    }


def _found(box, names, width, height):
    return {
        "class_id": box.class_id,
        "class_name": names[box.class_id] if box.class_id < len(names) else str(box.class_id),
        "confidence": round(box.confidence, 4),
        "box": {"x1": round(box.x1, 2), "y1": round(box.y1, 2), "x2": round(box.x2, 2), "y2": round(box.y2, 2)},
        "x_center": round((box.x1 + box.x2) / 2 / width, 6),
        "y_center": round((box.y1 + box.y2) / 2 / height, 6),
        "width": round((box.x2 - box.x1) / width, 6),
        "height": round((box.y2 - box.y1) / height, 6),
    }
