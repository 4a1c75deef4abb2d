"""The forms of a deployment's page."""

from django import forms
from django.db.models import Q

from apps.annotations.models import DatasetVersion
from apps.annotations.seen import HIDDEN
from apps.inference.models import Deployment
from apps.inference.services import Choice
from apps.inference.services.choices import LEAST_SIZE, MOST_SIZE, STEP
from apps.models.models import ServingBuild

MOST_CLASS_ROWS = 200  # with more, thresholds by class are for the API


class ChoiceForm(forms.Form):
    """How a model is served; what is left alone is chosen by what was measured."""

    runtime = forms.ChoiceField(
        choices=ServingBuild.RUNTIMES, initial="auto", help_text="Both are timed when it is built."
    )
    precision = forms.ChoiceField(
        choices=ServingBuild.PRECISIONS, initial="auto",
        help_text="int8 is calibrated on the dataset’s training images, and served only where its mAP50-95 on the "
        "gate’s images, of boxes and of masks, is within 0.02 of the weights’ own; left to the platform, within 0.002.",
    )  # fmt: skip
    img_size = forms.IntegerField(
        required=False, min_value=LEAST_SIZE, max_value=MOST_SIZE, label="Image size",
        help_text="The longer side in pixels, a multiple of 32. Empty: the model’s own.",
        widget=forms.NumberInput({"step": STEP}),
    )  # fmt: skip

    def choice(self):
        """The Choice of a form that is valid."""
        return Choice(**{name: self.cleaned_data[name] for name in ("runtime", "precision", "img_size")})


class NewDeploymentForm(ChoiceForm):
    field_order = ("name", "model", "gate_version", "is_public", "runtime", "precision", "img_size")

    name = forms.CharField(max_length=120, help_text="Programs ask for it by this name, whatever version answers.")
    model = forms.ModelChoiceField(None, empty_label="Choose a model …")
    gate_version = forms.ModelChoiceField(
        None, required=False, label="Look at it on", empty_label="What it learned from, where that is known",
        help_text="A dataset version with labels. A model that was made elsewhere is measured on its test or "
        "validation images, and later versions are judged on them.",
    )  # fmt: skip
    is_public = forms.BooleanField(required=False, label="Everybody here may ask it")

    def __init__(self, *args, models, versions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["model"].queryset = models
        self.fields["gate_version"].queryset = versions

    def clean_name(self):
        return _printable(self.cleaned_data["name"])


class SettingsForm(forms.ModelForm):
    class Meta:
        model = Deployment
        fields = ["name", "description", "is_public"]
        labels = {"is_public": "Everybody here may ask it", "description": "Notes"}
        help_texts = {"name": "Programs call it by this name: with another one, those that know the old one get 404."}
        widgets = {"description": forms.Textarea({"rows": 3})}

    def clean_name(self):
        return _printable(self.cleaned_data["name"])

    def validate_unique(self):
        """The service says it."""


class GateForm(forms.ModelForm):
    max_fall = forms.FloatField(
        label="mAP50-95 may fall by", min_value=0, max_value=1, widget=forms.NumberInput({"step": "any"}),
        help_text="Absolute: 0.01 is one point of a hundred. That of masks too.",
    )  # fmt: skip

    class Meta:
        model = Deployment
        fields = ["gate_version", "gate_split", "max_fall"]
        labels = {"gate_version": "Judged on", "gate_split": "Split"}

    def __init__(self, *args, versions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["gate_version"].queryset = versions
        self._keep_hidden(versions)
        self.fields["gate_version"].empty_label = "What the live model learned from"
        self.fields["gate_version"].help_text = "A dataset version never changes, so all are judged by the same."

    def _keep_hidden(self, versions):
        """A version whose dataset one may not see is a choice, without its name: else saving would take it away."""
        kept, field = self.instance.gate_version_id, self.fields["gate_version"]
        if kept and not versions.filter(pk=kept).exists():
            seen = Q(pk__in=versions.order_by().values("pk"))
            field.queryset = DatasetVersion.objects.filter(seen | Q(pk=kept)).select_related("dataset").order_by("-pk")
            field.label_from_instance = lambda row: HIDDEN if row.pk == kept else str(row)


class SwitchForm(forms.Form):
    model = forms.ModelChoiceField(None, empty_label="Choose a version …", label="Switch to")
    version = forms.ModelChoiceField(None, required=False)
    overrule = forms.CharField(required=False, max_length=400)

    def __init__(self, *args, models, versions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["model"].queryset = models
        self.fields["version"].queryset = versions


class DefaultsForm(forms.Form):
    """What a call leaves out. An empty field leaves it to the operating point of the live model."""

    conf = forms.FloatField(required=False, min_value=0.001, max_value=1, label="Least confidence")
    iou = forms.FloatField(required=False, min_value=0, max_value=1, label="IoU of NMS")
    max_det = forms.IntegerField(required=False, min_value=1, max_value=3000, label="Most boxes")

    def __init__(self, data=None, *, defaults, class_names, effective):
        super().__init__(data, initial={name: defaults.get(name) for name in ("conf", "iou", "max_det")})
        self.class_names = class_names if len(class_names) <= MOST_CLASS_ROWS else []
        self._kept = {name: defaults[name] for name in ("per_class", "classes") if name in defaults}
        shown = defaults.get("classes")
        for place, name in enumerate(self.class_names):
            self.fields[f"conf_{place}"] = forms.FloatField(
                required=False, min_value=0.001, max_value=1, label=f"Least confidence of {name}",
                initial=defaults.get("per_class", {}).get(str(place)),
            )  # fmt: skip
            self.fields[f"shown_{place}"] = forms.BooleanField(
                required=False, initial=shown is None or place in shown, label=f"Answer {name}"
            )
        for name in ("conf", "iou", "max_det"):
            self.fields[name].widget.attrs["placeholder"] = effective[name]
        for name, field in self.fields.items():
            if not name.startswith("shown_"):
                field.widget.attrs |= {"step": "any", "aria-label": field.label}
            else:
                field.widget.attrs["aria-label"] = field.label

    def rows(self):
        """(class name, field of its confidence, field of whether it is answered)."""
        return [(name, self[f"conf_{place}"], self[f"shown_{place}"]) for place, name in enumerate(self.class_names)]

    def clean(self):
        data = super().clean()
        if self.class_names and not any(data.get(f"shown_{place}") for place in range(len(self.class_names))):
            raise forms.ValidationError("Answer at least one class.")
        return data

    def defaults(self):
        """As a deployment keeps them."""
        data = self.cleaned_data
        kept = {name: data[name] for name in ("conf", "iou", "max_det") if data[name] is not None}
        if not self.class_names:
            return kept | self._kept
        count = len(self.class_names)
        per_class = {str(place): data[f"conf_{place}"] for place in range(count) if data[f"conf_{place}"] is not None}
        shown = [place for place in range(count) if data[f"shown_{place}"]]
        return (
            kept | ({"per_class": per_class} if per_class else {}) | ({"classes": shown} if len(shown) < count else {})
        )


def _printable(name):
    if not name.isprintable():
        raise forms.ValidationError("1 to 120 printable characters.")
    return name
