"""What the API says and takes about datasets and images."""

from django.core.exceptions import ValidationError as FormError
from django.urls import reverse
from rest_framework import serializers

from apps.accounts.teams.fields import TeamField
from apps.datasets.filters import ImageFilter
from apps.datasets.forms import parse_class_names
from apps.datasets.models import SPLITS, Dataset, DatasetImage
from apps.datasets.services.tags import BadTag, clean_tags
from apps.datasets.sources import RULES


class DatasetSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", read_only=True)
    team = TeamField()
    class_names = serializers.ListField(child=serializers.CharField(max_length=100), required=False, max_length=1000)

    class Meta:
        model = Dataset
        fields = [
            "id", "name", "description", "task", "owner", "team", "class_names", "num_classes", "num_images",
            "num_labeled", "is_public", "created_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = ["id", "num_classes", "num_images", "num_labeled", "created_at", "updated_at"]

    def validate_class_names(self, value):
        if self.instance is not None:
            raise serializers.ValidationError(
                "Classes are added at `classes`, so that no label moves to another class."
            )
        try:
            return parse_class_names(value)
        except FormError as error:
            raise serializers.ValidationError(error.messages) from None

    def validate_team(self, value):
        if self.instance is not None and value != self.instance.team:
            raise serializers.ValidationError("Whose a dataset is changes at `transfer`.")
        return value

    def validate_task(self, value):
        if self.instance is not None and value != self.instance.task:
            raise serializers.ValidationError("The task of a dataset cannot be changed.")
        return value


class ImageSerializer(serializers.ModelSerializer):
    tags = serializers.ListField(source="tag_names", child=serializers.CharField(), read_only=True)
    url = serializers.SerializerMethodField(help_text="The picture, in a form that browsers show.")
    thumbnail_url = serializers.SerializerMethodField()
    original_url = serializers.SerializerMethodField(
        help_text="The bytes as they came; may lead to a signed address of the store, without your key."
    )

    class Meta:
        model = DatasetImage
        fields = [
            "id", "filename", "width", "height", "is_labeled", "state", "num_boxes", "split", "tags", "group", "source",
            "revision", "url", "thumbnail_url", "original_url", "created_at",
        ]  # fmt: skip
        read_only_fields = [field for field in fields if field != "split"]

    def get_url(self, image) -> str:
        return reverse("datasets:image_file", args=[image.dataset_id, image.pk])

    def get_thumbnail_url(self, image) -> str:
        return reverse("datasets:image_thumbnail", args=[image.dataset_id, image.pk])

    def get_original_url(self, image) -> str:
        return reverse("datasets:image_original", args=[image.dataset_id, image.pk])


class StrictSerializer(serializers.Serializer):
    """Refuses what it does not know: a misspelt key that is passed over would change every image."""

    def to_internal_value(self, data):
        if isinstance(data, dict) and (unknown := sorted(map(str, set(data) - set(self.fields)))):
            accepted = ", ".join(self.fields)
            raise serializers.ValidationError({unknown[0][:60]: [f"Not known. Accepted: {accepted}."]})
        return super().to_internal_value(data)


class TagsField(serializers.ListField):
    """Words without commas, each once."""

    child = serializers.CharField(max_length=200)

    def to_internal_value(self, data):
        try:
            return clean_tags(super().to_internal_value(data))
        except BadTag as bad:
            raise serializers.ValidationError(str(bad)) from None


class GroupField(serializers.CharField):
    """What the images are from; empty for none."""

    def __init__(self, **kwargs):
        super().__init__(allow_blank=True, max_length=200, **kwargs)


class ImageChangeSerializer(StrictSerializer):
    split = serializers.ChoiceField(choices=[*SPLITS, ""], help_text="Empty for none.", required=False)
    tags = TagsField(required=False, max_length=100, help_text="All its tags.")
    group = GroupField(required=False, help_text="Images of one group never part in a split.")

    def validate(self, data):
        if not data:
            raise serializers.ValidationError(f"Say what to change: {', '.join(self.fields)}.")
        return data


class UploadSerializer(serializers.Serializer):
    files = serializers.ListField(child=serializers.FileField(allow_empty_file=True), min_length=1, max_length=500)


class RejectedSerializer(serializers.Serializer):
    filename = serializers.CharField()
    reason = serializers.CharField()


class DuplicateSerializer(serializers.Serializer):
    filename = serializers.CharField()
    image_id = serializers.IntegerField()


class UploadResultSerializer(serializers.Serializer):
    created = ImageSerializer(many=True)
    duplicates = DuplicateSerializer(many=True)
    rejected = RejectedSerializer(many=True)


class SplitSerializer(serializers.Serializer):
    train = serializers.FloatField(min_value=0, max_value=1)
    val = serializers.FloatField(min_value=0, max_value=1)
    test = serializers.FloatField(min_value=0, max_value=1, default=0)
    seed = serializers.IntegerField(min_value=0, max_value=2**31, default=0)
    stratify = serializers.BooleanField(default=True)
    only_unassigned = serializers.BooleanField(default=True, help_text="false: images that have a split move too.")
    keep_together = serializers.MultipleChoiceField(
        choices=list(RULES.items()), default=list(RULES), help_text="What puts images on one side; none with []."
    )
    before_number = serializers.BooleanField(
        default=False, help_text="Whatever stands before the last number of a file's name is one source."
    )

    def validate(self, data):
        total = sum(data[split] for split in SPLITS)
        if abs(total - 1) > 1e-6:
            raise serializers.ValidationError(f"train, val and test must sum to 1; they sum to {total:g}.")
        return {**data, "keep_together": [rule for rule in RULES if rule in data["keep_together"]]}


class FilterValue(serializers.CharField):
    """A value as a query has it; JSON's true and false are taken too."""

    def to_internal_value(self, data):
        return super().to_internal_value(str(data).lower() if isinstance(data, bool) else data)


class IdsField(serializers.ListField):
    child = serializers.IntegerField(min_value=1, max_value=2**63 - 1)

    def __init__(self, **kwargs):
        super().__init__(max_length=10_000, **kwargs)


class BulkSerializer(StrictSerializer):
    ACTIONS = {"delete": None, "restore": None, "split": "split", "tag": "tags", "untag": "tags", "group": "group"}
    WHAT = {
        "split": "Say which: train, val, test, or empty for none.", "tags": "Say which, as a list.",
        "group": "Say which, or empty for none.",
    }  # fmt: skip

    ids = IdsField(required=False)
    filter = serializers.DictField(child=FilterValue(), required=False, help_text="As the query of `images`.")
    except_ids = IdsField(required=False, help_text="With `filter`: but these.")
    expect = serializers.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1, help_text="How many you mean; 409 where it is another number."
    )
    action = serializers.ChoiceField(choices=list(ACTIONS))
    split = serializers.ChoiceField(choices=[*SPLITS, ""], required=False)
    tags = TagsField(required=False, min_length=1, max_length=20)
    group = GroupField(required=False)

    def validate_filter(self, value):
        # A misspelt key that is passed over would delete every image.
        if unknown := sorted(set(value) - set(ImageFilter.base_filters)):
            accepted = ", ".join(ImageFilter.base_filters)
            raise serializers.ValidationError(f"Not known: {', '.join(unknown)}. Accepted: {accepted}.")
        return value

    def validate(self, data):
        if ("ids" in data) == ("filter" in data):
            raise serializers.ValidationError("Give either `ids` or `filter`.")
        if "except_ids" in data and "filter" not in data:
            raise serializers.ValidationError({"except_ids": ["Only with `filter`."]})
        needed = self.ACTIONS[data["action"]]
        if needed and needed not in data:
            raise serializers.ValidationError({needed: [self.WHAT[needed]]})
        if stray := sorted({"split", "tags", "group"} & set(data) - {needed}):
            raise serializers.ValidationError({stray[0]: [f"Says nothing to the action {data['action']}."]})
        return data


class RefusedSerializer(serializers.Serializer):
    id = serializers.IntegerField()
    filename = serializers.CharField()
    reason = serializers.CharField()


class UndoneSerializer(serializers.Serializer):
    count = serializers.IntegerField(help_text="How many images were changed.")
    refused = RefusedSerializer(many=True, help_text="Images that stay in the trash, and why; the first 100.")


class BulkAnswerSerializer(UndoneSerializer):
    undo = serializers.IntegerField(allow_null=True, help_text="For `images/undo`; null: nothing to take back.")


class UndoSerializer(StrictSerializer):
    undo = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class PurgeSerializer(StrictSerializer):
    ids = IdsField(required=False)
    all = serializers.BooleanField(required=False)

    def validate(self, data):
        if ("ids" in data) == bool(data.get("all")):
            raise serializers.ValidationError("Give either `ids`, or `all`: true.")
        return data


class TrashedImageSerializer(ImageSerializer):
    deleted_by = serializers.CharField(source="deleted_by.username", default=None, read_only=True)

    class Meta(ImageSerializer.Meta):
        fields = [*ImageSerializer.Meta.fields, "deleted_at", "deleted_by"]
        read_only_fields = fields
