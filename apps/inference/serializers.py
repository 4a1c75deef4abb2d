"""What the API says and takes about predictions."""

from rest_framework import serializers

from apps.inference.fields import ClassIdsField, CountField, PerClassField, PictureField, ShareField


class OptionsSerializer(serializers.Serializer):
    """Which model, and what of its answer is wanted."""

    model_id = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    model = serializers.CharField(required=False, max_length=120, help_text="Its name, instead of model_id.")
    conf = ShareField(
        0.001, required=False, help_text="Least confidence; by default the model's operating point, else 0.25."
    )
    per_class = PerClassField(required=False, help_text="Least confidence of single classes, by class id.")
    iou = ShareField(required=False, help_text="Overlap at which boxes are one; 0.7 where the deployment says nothing.")
    max_det = CountField(1, 3000, required=False, help_text="Most boxes; 300 where the deployment says nothing.")
    classes = ClassIdsField(required=False, help_text="Only these class ids.")

    def validate(self, data):
        if ("model_id" in data) == ("model" in data):
            raise serializers.ValidationError({"model_id": ["Give either `model_id` or `model`."]})
        return data


def refuse_unknown(data, known):
    """Raise ValidationError by the name of each value of `data` that is none of the `known` options."""
    words = f"There is no such option. Those that there are: {', '.join(sorted(known))}."
    unknown = sorted(str(name)[:60] for name in data if name not in known)[:20]
    if unknown:
        raise serializers.ValidationError({name: [words] for name in unknown})


class InferSerializer(OptionsSerializer):
    image = PictureField(help_text="JPEG, PNG, WebP, BMP or TIFF.")


_question = InferSerializer()
QUESTION = frozenset(_question.fields) | {"format"}


def read_options(data):
    """The checked values of a question; raises ValidationError.

    One serializer answers all: it holds nothing of a question, and making one takes as long as checking with it.
    """
    if isinstance(data, dict) and not data.keys() <= QUESTION:
        refuse_unknown(data, QUESTION)
    return _question.run_validation(data)


IOU, MAX_DET = 0.7, 300


def options_for(model, data, defaults=None):
    """The options of checked `data` as `services.predict` takes them; raises where the model has no such class.

    `defaults`, a deployment's, stand for what was left out. A call with a confidence of its own, overall, has none of
    the defaults by class.
    """
    known = defaults or {}
    options = {"iou": IOU, "max_det": MAX_DET, "conf": None, "per_class": None, "classes": None}
    last = len(model.class_names) - 1
    for field in ("classes", "per_class"):
        if any(int(one) > last for one in data.get(field) or ()):
            raise serializers.ValidationError({field: [f"“{model.name}” has the classes 0 to {last}."]})
    for name in options:
        if data.get(name) is not None:
            options[name] = data[name]
        elif known.get(name) is not None and not (name == "per_class" and data.get("conf") is not None):
            options[name] = known[name]
    return options


class BoxSerializer(serializers.Serializer):
    x1 = serializers.FloatField()
    y1 = serializers.FloatField()
    x2 = serializers.FloatField()
    y2 = serializers.FloatField()


class PointsField(serializers.ListField):
    """A polygon as [[x, y], …]."""

    child = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)


class FoundSerializer(serializers.Serializer):
    class_id = serializers.IntegerField()
    class_name = serializers.CharField()
    confidence = serializers.FloatField()
    box = BoxSerializer(help_text="Pixels of the upright image.")
    x_center = serializers.FloatField()
    y_center = serializers.FloatField()
    width = serializers.FloatField()
    height = serializers.FloatField()
    points = PointsField(
        required=False, help_text="Of a model that segments: the outline, 0..1, as annotations have it."
    )
    parts = serializers.ListField(
        child=PointsField(), required=False, help_text="All outlines, the largest first, where there are several."
    )


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


class DeployedSerializer(serializers.Serializer):
    is_deployed = serializers.BooleanField()
    endpoint = serializers.CharField(allow_null=True)


class DeploySerializer(serializers.Serializer):
    version_id = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**62,
        help_text="A dataset version whose images it is looked at on: for a model that was made elsewhere.",
    )  # fmt: skip
    version = None

    def validate_version_id(self, pk):
        self.version = pk and self.context["versions"].filter(pk=pk).first()
        if pk and self.version is None:
            raise serializers.ValidationError("There is no such dataset version that you can see.")
        return pk


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
    found = {
        "class_id": box.class_id,
        "class_name": names[box.class_id] if box.class_id < len(names) else str(box.class_id),
        "confidence": round(box.confidence, 4),
        "box": {"x1": round(box.x1, 2), "y1": round(box.y1, 2), "x2": round(box.x2, 2), "y2": round(box.y2, 2)},
        "x_center": round((box.x1 + box.x2) / 2 / width, 6),
        "y_center": round((box.y1 + box.y2) / 2 / height, 6),
        "width": round((box.x2 - box.x1) / width, 6),
        "height": round((box.y2 - box.y1) / height, 6),
    }
    if box.polygons:
        outlines = [(points / (width, height)).round(6).tolist() for points in box.polygons]
        found["points"] = outlines[0]
        if len(outlines) > 1:
            found["parts"] = outlines
    return found
