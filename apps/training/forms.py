"""The training form; its ranges are the API's own."""

from django import forms

from apps.annotations.forms import VersionField
from apps.models.access import startable_by
from apps.training.arguments import AUGMENTATION, GROUPS, argument_problems, arguments, without_defaults
from apps.training.devices import AUTO, FIT, device_choices
from apps.training.registry import architectures, model_type_choices
from apps.training.serializers import LONGEST_LIMIT, SHORTEST_LIMIT, TrainingRequestSerializer
from apps.training.weights import at_hand

MAIN = ("name", "dataset_version", "model_type", "weights", "epochs", "img_size", "batch_size", "fit_batch", "device")
SLIDER_STEPS = 100
FINE = {"hsv_h": 0.005, "perspective": 0.00005, "degrees": 1, "shear": 1, "multi_scale": 0.05}


class TrainingForm(forms.Form):
    name = forms.CharField(
        max_length=120, required=False, widget=forms.TextInput(attrs={"placeholder": "Made up for you"})
    )
    dataset_version = VersionField(label="Learn from", help_text="An earlier version trains again on the very same.")
    model_type = forms.ChoiceField(choices=model_type_choices, label="Model")
    weights = forms.ChoiceField(label="Start from")
    epochs = forms.IntegerField(min_value=1, max_value=10_000, help_text="How often every image is seen.")
    batch_size = forms.IntegerField(
        min_value=1, max_value=1024, label="Batch", required=False,
        help_text="Images a step; less takes less memory.",
    )  # fmt: skip
    fit_batch = forms.BooleanField(required=False, label="As large as fits")
    img_size = forms.IntegerField(
        min_value=32, max_value=4096, label="Image size", help_text="Pixels of the longer side, a multiple of 32.",
        widget=forms.NumberInput(attrs={"step": 32}),
    )  # fmt: skip
    device = forms.ChoiceField(required=False)
    learning_rate = forms.FloatField(
        required=False, min_value=1e-6, max_value=1,
        help_text="Empty: chosen by ultralytics. Given, an automatic optimizer becomes AdamW.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    patience = forms.IntegerField(
        min_value=0, max_value=10_000, help_text="Stop after this many epochs without progress; 0 for never."
    )
    time_limit = forms.FloatField(
        required=False, min_value=SHORTEST_LIMIT / 3600, max_value=LONGEST_LIMIT / 3600, label="Time limit in hours",
        help_text="When they are over, the best so far becomes the model. Empty: as long as it takes.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    seed = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, help_text="The same seed on the same data gives the same model."
    )

    def __init__(self, *args, user, dataset, machine, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["dataset_version"].offer(dataset)
        self.fields["dataset_version"].widget.attrs |= {
            "hx-get": f"?dataset={dataset.pk}", "hx-params": "dataset_version", "hx-target": "#learns-from",
            "hx-swap": "outerHTML", "hx-trigger": "change",
        }  # fmt: skip
        self.models = {str(model.pk): model for model in startable_by(user)[:100]}
        own = [(pk, f"{model.title} ({model.model_type})") for pk, model in self.models.items()]
        self.fields["weights"].choices = [
            ("auto", "Pretrained weights if they can be had, else nothing"),
            ("pretrained", "Pretrained weights"),
            ("scratch", "Nothing (random weights)"),
            ("My models", own),
        ]
        self.fields["model_type"].choices = _marked(self.fields["model_type"].choices)
        self.fields["device"].choices = device_choices(machine)
        for argument in arguments().values():
            self.fields[argument.name] = _field(argument)
            if argument.kind != "bool":  # that one offers its default as an answer of its own
                self.initial.setdefault(argument.name, argument.default)

    @property
    def main_fields(self):
        """What everybody sets."""
        return [self[name] for name in MAIN if name != "fit_batch"]

    @property
    def groups(self):
        """(title, its fields) of the folded parts."""
        own = {next(iter(GROUPS)): ("learning_rate", "patience"), "Run": ("time_limit", "seed")}
        return [
            (title, [self[name] for name in (*own.get(title, ()), *(n for n in names if n in self.fields))])
            for title, names in GROUPS.items() if title != AUGMENTATION
        ]  # fmt: skip

    @property
    def augmentation(self):
        """The fields of the augmentation's own section."""
        return [self[name] for name in GROUPS[AUGMENTATION] if name in self.fields]

    def clean_img_size(self):
        try:
            return TrainingRequestSerializer().validate_img_size(self.cleaned_data["img_size"])
        except Exception as error:
            raise forms.ValidationError([str(detail) for detail in error.detail]) from None

    def clean_time_limit(self):
        """Seconds, or None."""
        hours = self.cleaned_data["time_limit"]
        return None if hours is None else round(hours * 3600)

    def clean(self):
        data = super().clean()
        if data.get("fit_batch"):
            data["batch_size"] = FIT
        elif data.get("batch_size") is None and "batch_size" not in self.errors:
            self.add_error("batch_size", "Say how many images a step, or choose “As large as fits”.")
        if self.architecture is None and not self.errors:
            self.add_error("weights", f"Its architecture, {self.architecture_name}, cannot be trained here.")
        for name, reason in argument_problems(self.arguments(), self.architecture_name or "").items():
            self.add_error(name, reason)
        return data

    @property
    def architecture_name(self):
        """What would be trained: a model to start from brings its own architecture."""
        start = self.models.get(self.cleaned_data.get("weights", ""))
        return start.model_type if start else self.cleaned_data.get("model_type")

    @property
    def architecture(self):
        """The same from the registry, or None where it is not known there."""
        return architectures().get(self.architecture_name)

    @property
    def version(self):
        """The version that was chosen, or None for the dataset as it is now."""
        return self.cleaned_data.get("dataset_version")

    def arguments(self):
        """The further arguments that were given and differ from ultralytics' own defaults."""
        given = {name: self.cleaned_data[name] for name in arguments() if self.cleaned_data.get(name) not in (None, "")}
        return without_defaults(given)

    def settings(self):
        """The cleaned data as `services.create_job` takes it."""
        data = {name: value for name, value in self.cleaned_data.items() if name not in arguments()}
        del data["fit_batch"]
        data["dataset_version"] = self.version and self.version.number
        return data | {"device": data["device"] or AUTO, "arguments": self.arguments()}


def _marked(groups):
    """The models to choose from, with a mark at those whose pretrained weights are here."""
    return [
        (family, [(name, f"{title}{' · weights here' if at_hand(name) else ''}") for name, title in choices])
        for family, choices in groups
    ]


def _field(argument):
    """A form field for an argument of ultralytics, not required: empty is its default."""
    common = {"required": False, "label": argument.label, "help_text": argument.help}
    if argument.kind == "choice":
        return forms.ChoiceField(choices=[(name, name) for name in argument.choices], **common)
    if argument.kind == "bool":
        yes_no = [("", f"Default ({'yes' if argument.default else 'no'})"), ("true", "Yes"), ("false", "No")]
        return forms.TypedChoiceField(
            choices=yes_no, coerce=lambda text: text == "true", empty_value=None, **common
        )  # fmt: skip
    kind = forms.IntegerField if argument.kind == "int" else forms.FloatField
    whole = argument.kind == "int"
    attrs = {"step": 1 if whole else "any", "data-default": "" if argument.default is None else argument.default}
    widget = forms.NumberInput(attrs=attrs)
    if argument.group == AUGMENTATION and argument.high <= 180:
        widget.input_type = "range"
        widget.attrs["step"] = FINE.get(argument.name, argument.high / SLIDER_STEPS)
    return kind(min_value=argument.low, max_value=argument.high, widget=widget, **common)
