from django import forms

from apps.accounts.teams.fields import offer_teams
from apps.core import uploads
from apps.models.error_lists import Wanted
from apps.models.mistakes import KINDS
from apps.models.models import Evaluation, ModelExport, TrainedModel
from apps.models.services.stages import clean_tags
from apps.models.services.uploads import class_names_in


class TagsField(forms.CharField):
    """Words parted by commas; cleaned to a list."""

    def __init__(self, **kwargs):
        super().__init__(required=False, max_length=900, help_text="Parted by commas.", **kwargs)

    def prepare_value(self, value):
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value):
        try:
            return clean_tags(super().clean(value).split(","))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class ModelForm(forms.ModelForm):
    name = forms.CharField(max_length=120, help_text="Of all versions of this model.")
    tags = TagsField()

    class Meta:
        model = TrainedModel
        fields = ["name", "description", "tags", "stage", "licence", "is_public"]
        widgets = {"description": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args, instance, **kwargs):
        initial = {"name": instance.name, "tags": [tag.name for tag in instance.tags.all()]}
        super().__init__(*args, instance=instance, initial=initial, **kwargs)


class ClassNamesField(forms.CharField):
    """Names of classes, one a line; cleaned to a list."""

    def __init__(self, **kwargs):
        super().__init__(max_length=100_000, widget=forms.Textarea(attrs={"rows": 3}), label="Class names", **kwargs)

    def clean(self, value):
        return class_names_in(super().clean(value))


class ClassNamesForm(forms.Form):
    """The names that an upload asks for."""

    class_names = ClassNamesField(help_text="One a line, or parted by commas, in the model’s order.")

    def __init__(self, *args, count=None, **kwargs):
        super().__init__(*args, **kwargs)
        if count:
            self.fields["class_names"].label = f"Names of its {count} classes"
            self.fields["class_names"].widget.attrs["rows"] = min(max(count, 2), 12)


class UploadForm(forms.Form):
    """Weights as a file, or as the id of an upload that came in pieces; and what becomes of them."""

    file = forms.FileField(
        label="Weights (.pt or .onnx)", required=False,
        widget=forms.FileInput(attrs={"accept": ".pt,.onnx", "required": True}),
    )  # fmt: skip
    upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        max_length=120, required=False, widget=forms.TextInput(attrs={"list": "lines", "autocomplete": "off"}),
        help_text="The name of a model of yours adds a version to it. Empty: the name of the file.",
    )  # fmt: skip
    class_names = ClassNamesField(
        required=False, help_text="Only for an .onnx that does not tell them itself: one a line, in the model’s order."
    )
    description = forms.CharField(
        required=False, max_length=5000, widget=forms.Textarea(attrs={"rows": 2}), label="Notes"
    )
    tags = TagsField()
    is_public = forms.BooleanField(required=False, label="Everybody with an account may see it")

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user
        offer_teams(self, user)

    def clean(self):
        data = super().clean()
        file, upload = data.pop("file", None), data.pop("upload", None)
        if upload:
            try:
                file, data["filename"] = uploads.stored_upload(self.user, upload)
            except uploads.UploadError as error:
                self.add_error("file", str(error))
        elif file is None:
            if "file" not in self.errors:
                self.add_error("file", "Choose a file.")
        else:
            data["filename"] = file.name
        data["weights"] = file
        data["team_id"] = (team := data.pop("team", None)) and team.pk
        return data


class EvaluationForm(forms.Form):
    """What to measure on: one of the offered versions, and a split of it."""

    version = forms.ModelChoiceField(queryset=None)
    split = forms.ChoiceField(choices=Evaluation.SPLITS)

    def __init__(self, *args, versions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["version"].queryset = versions


class ExportForm(forms.Form):
    """A format with its options; what the format can do, the service says."""

    format = forms.CharField(max_length=20)
    precision = forms.ChoiceField(choices=ModelExport.PRECISIONS)
    img_size = forms.IntegerField(min_value=32, max_value=4096, step_size=32)
    dynamic = forms.BooleanField(required=False)
    nms = forms.BooleanField(required=False)


class WantedForm(forms.Form):
    """Which images of an evaluation to show; what cannot be read counts as not given."""

    conf = forms.FloatField(required=False, min_value=0.05, max_value=1)
    kind = forms.ChoiceField(required=False, choices=list(KINDS.items()))
    class_id = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    predicted = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    true = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    confirmed = forms.BooleanField(required=False)

    def wanted(self, model):
        """As Wanted, with the model's own threshold where none is given."""
        self.is_valid()
        data = self.cleaned_data
        conf = data.get("conf") or max(model.operating_point.get("confidence", 0.25), 0.05)
        predicted, true = data.get("predicted"), data.get("true")
        return Wanted(
            conf=round(conf, 2),
            kind=data.get("kind") or "",
            class_id=data.get("class_id"),
            cell=None if predicted is None or true is None else (predicted, true),
            with_confirmed=bool(data.get("confirmed")),
        )
