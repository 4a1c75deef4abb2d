"""The training form; its ranges are the API's own."""

from django import forms

from apps.annotations.forms import VersionField
from apps.models.access import visible_to as models_visible_to
from apps.training.registry import FLOAT_ARGUMENTS, MODEL_TYPE_CHOICES, OPTIMIZERS
from apps.training.serializers import TrainingRequestSerializer

MORE = {
    "warmup_epochs": "Warm-up epochs",
    "mosaic": "Mosaic (share of images)",
    "fliplr": "Flip left–right (share)",
    "flipud": "Flip up–down (share)",
    "degrees": "Rotate (degrees)",
    "scale": "Scale (share)",
    "translate": "Move (share)",
}


class TrainingForm(forms.Form):
    name = forms.CharField(
        max_length=120, required=False, widget=forms.TextInput(attrs={"placeholder": "Made up for you"})
    )
    dataset_version = VersionField(label="Learn from", help_text="An earlier version trains again on the very same.")
    model_type = forms.ChoiceField(choices=MODEL_TYPE_CHOICES, label="Model")
    weights = forms.ChoiceField(label="Start from")
    epochs = forms.IntegerField(min_value=1, max_value=10_000, help_text="How often every image is seen.")
    batch_size = forms.IntegerField(
        min_value=1, max_value=1024, label="Batch", help_text="Images a step; less takes less memory."
    )
    img_size = forms.IntegerField(
        min_value=32, max_value=4096, label="Image size", help_text="Pixels of the longer side, a multiple of 32.",
        widget=forms.NumberInput(attrs={"step": 32}),
    )  # fmt: skip
    learning_rate = forms.FloatField(
        required=False, min_value=1e-6, max_value=1, help_text="Empty: chosen by ultralytics.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )  # fmt: skip
    patience = forms.IntegerField(
        min_value=0, max_value=10_000, help_text="Stop after this many epochs without progress; 0 for never."
    )
    seed = forms.IntegerField(min_value=0, max_value=2**31 - 1)
    optimizer = forms.ChoiceField(choices=[(name, name) for name in OPTIMIZERS])

    def __init__(self, *args, user, dataset, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["dataset_version"].offer(dataset)
        self.fields["dataset_version"].widget.attrs |= {
            "hx-get": f"?dataset={dataset.pk}", "hx-params": "dataset_version", "hx-target": "#learns-from",
            "hx-swap": "outerHTML", "hx-trigger": "change",
        }  # fmt: skip
        models = models_visible_to(user)[:100]
        self.fields["weights"].choices = [
            ("auto", "Pretrained weights if they can be had, else nothing"),
            ("pretrained", "Pretrained weights"),
            ("scratch", "Nothing (random weights)"),
            ("My models", [(str(model.pk), model.name) for model in models]),
        ]
        for name, label in MORE.items():
            low, high = FLOAT_ARGUMENTS[name]
            self.fields[name] = forms.FloatField(
                required=False, min_value=low, max_value=high, label=label,
                widget=forms.NumberInput(attrs={"step": "any", "placeholder": "default"}),
            )  # fmt: skip

    @property
    def more_fields(self):
        """The fields of the folded part."""
        return [self[name] for name in ("learning_rate", "optimizer", "seed", *MORE)]

    def clean_img_size(self):
        try:
            return TrainingRequestSerializer().validate_img_size(self.cleaned_data["img_size"])
        except Exception as error:
            raise forms.ValidationError([str(detail) for detail in error.detail]) from None

    @property
    def version(self):
        """The version that was chosen, or None for the dataset as it is now."""
        return self.cleaned_data.get("dataset_version")

    def settings(self):
        """The cleaned data as `services.create_job` takes it."""
        data = dict(self.cleaned_data)
        data["dataset_version"] = self.version and self.version.number
        arguments = {name: data.pop(name) for name in MORE if data.get(name) is not None}
        for name in MORE:
            data.pop(name, None)
        arguments["optimizer"] = data.pop("optimizer")
        return data | {"arguments": arguments}
