"""What the API says and takes about labels, revisions and versions."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.annotations.models import Annotation, DatasetVersion, Revision
from apps.annotations.services.labels import shown_labels
from apps.annotations.services.versions import MAX_NOTE, is_as_now
from apps.datasets.models import ClassChange


@extend_schema_field(OpenApiTypes.OBJECT)
class AnyField(serializers.Field):
    """Passed on as it came: the service checks it and says what is wrong."""

    def to_internal_value(self, data):
        return data

    def to_representation(self, value):
        return value


@extend_schema_field({"type": "array", "nullable": True, "items": {"type": "array", "items": {"type": "number"}}})
class PointsField(AnyField):
    """A polygon as [[x, y], …], or null."""


class AnnotationSerializer(serializers.Serializer):
    """A labelled object, normalized to 0..1 of the image as people see it."""

    id = serializers.IntegerField(required=False, allow_null=True)
    class_id = serializers.IntegerField(help_text="The class's position, from 0.")
    class_name = serializers.CharField(read_only=True)
    x_center = serializers.FloatField(required=False)
    y_center = serializers.FloatField(required=False)
    width = serializers.FloatField(required=False)
    height = serializers.FloatField(required=False)
    points = PointsField(required=False, help_text="A polygon as [[x, y], …]; its box is worked out.")
    confidence = serializers.FloatField(required=False, allow_null=True)
    source = serializers.ChoiceField(choices=Annotation.Source.choices, default=Annotation.Source.MANUAL)


@extend_schema_field(AnnotationSerializer(many=True))
class LabelsField(AnyField):
    """A list, passed on as it came: services.shapes says what is wrong inside it, for every door alike."""

    def to_internal_value(self, data):
        if not isinstance(data, list):
            raise serializers.ValidationError("A list of annotations, each with a class_id and a box.")
        return data


class ClassKeysField(serializers.ListField):
    """The permanent numbers of the classes, in the order that the caller's class ids are positions in."""

    child = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


KEYS_NOTE = "The classes that `class_id` is a position in, by their permanent numbers. Left out: the classes of now."


class AnnotationSetSerializer(serializers.Serializer):
    """The labels of an image with the revision that they are."""

    revision = serializers.IntegerField(min_value=0, help_text="The revision that these labels started from.")
    annotations = LabelsField()
    labeled = serializers.BooleanField(
        default=True, help_text="False leaves an image without boxes among the unlabelled."
    )
    class_keys = ClassKeysField(required=False, max_length=2000, help_text=KEYS_NOTE)


class RestoreSerializer(serializers.Serializer):
    revision = serializers.IntegerField(min_value=0, help_text="The revision that you see now.")


class CurrentSetSerializer(serializers.Serializer):
    """The labels of an image as they are now."""

    revision = serializers.IntegerField()
    state = serializers.CharField()
    is_labeled = serializers.BooleanField()
    class_keys = ClassKeysField(help_text="What the class ids of this answer are positions in.")
    annotations = AnnotationSerializer(many=True)


class ConflictSerializer(CurrentSetSerializer):
    detail = serializers.CharField()
    author = serializers.CharField(allow_null=True)
    saved_at = serializers.DateTimeField(allow_null=True)


class RevisionSerializer(serializers.ModelSerializer):
    author = serializers.CharField(source="author.username", default=None)

    class Meta:
        model = Revision
        fields = ["number", "author", "created_at", "kind", "num_annotations", "added", "removed", "changed"]


class RevisionDetailSerializer(RevisionSerializer):
    annotations = serializers.SerializerMethodField()
    class_keys = serializers.SerializerMethodField()

    class Meta(RevisionSerializer.Meta):
        fields = [*RevisionSerializer.Meta.fields, "class_keys", "annotations"]

    def get_class_keys(self, revision) -> list[int]:
        return self.context["dataset"].class_keys

    @extend_schema_field(AnnotationSerializer(many=True))
    def get_annotations(self, revision):
        return shown_labels(self.context["dataset"], revision.annotations)


class VersionNoteSerializer(serializers.Serializer):
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, help_text="What you call it.")


class VersionSerializer(serializers.ModelSerializer):
    created_by = serializers.CharField(source="created_by.username", default=None)
    same_as_now = serializers.SerializerMethodField(
        help_text="True: the dataset is as this version has it. False: something about the dataset changed since."
    )

    class Meta:
        model = DatasetVersion
        fields = [
            "id", "number", "note", "content_hash", "class_names", "class_keys", "num_images", "num_boxes",
            "split_counts", "same_as_now", "created_by", "created_at",
        ]  # fmt: skip

    def get_same_as_now(self, version) -> bool:
        return is_as_now(version, version.dataset)


class ClassSerializer(serializers.Serializer):
    id = serializers.IntegerField(help_text="Its position, from 0.")
    key = serializers.IntegerField(help_text="Its permanent number.")
    name = serializers.CharField()
    color = serializers.CharField()


class ClassListSerializer(serializers.Serializer):
    classes = ClassSerializer(many=True)


class ClassNameSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=100)


class ClassEditSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=100, required=False)
    color = serializers.CharField(max_length=7, required=False, allow_blank=True, help_text="#rrggbb, empty: its own.")

    def validate(self, data):
        if not data:
            raise serializers.ValidationError("Give a `name`, a `color`, or both.")
        return data


class ClassOrderSerializer(serializers.Serializer):
    keys = ClassKeysField(max_length=1000, help_text="Every class once, in the new order.")


class ClassChangeSerializer(serializers.ModelSerializer):
    user = serializers.CharField(source="user.username", default=None)

    class Meta:
        model = ClassChange
        fields = ["action", "key", "into_key", "before", "after", "num_boxes", "user", "created_at"]
