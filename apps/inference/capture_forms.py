"""The forms of a capture and of a shadow, on a deployment's page."""

from django import forms

from apps.inference.models import Capture

MB = 2**20
MOST_IMAGES, MOST_MB, MOST_DAYS = 100_000, 100_000, 3650
ANY = {"step": "any"}


class CaptureForm(forms.Form):
    """What is kept, where, and how much and how long. Shares are in percent here."""

    is_on = forms.BooleanField(required=False, label="Keep pictures")
    dataset = forms.ModelChoiceField(None, empty_label="Choose a dataset …", label="Into the inbox of")
    mode = forms.ChoiceField(choices=Capture.Mode.choices, label="What is kept")
    rate = forms.FloatField(
        min_value=0.01, max_value=100, required=False, label="Share of the pictures, %", widget=forms.NumberInput(ANY)
    )
    below = forms.FloatField(
        min_value=0.001, max_value=1, required=False, label="Unsure below the confidence",
        widget=forms.NumberInput(ANY), help_text="Boxes that the call’s own threshold hides are not seen here.",
    )  # fmt: skip
    max_images = forms.IntegerField(
        min_value=1, max_value=MOST_IMAGES, label="Most pictures",
        help_text="Waiting at a time: labelling some makes room for others.",
    )  # fmt: skip
    max_megabytes = forms.IntegerField(min_value=1, max_value=MOST_MB, label="Most MB")
    keep_days = forms.IntegerField(
        min_value=1, max_value=MOST_DAYS, label="Days until they go",
        help_text="Deleted for good then, but for those that were labelled, tagged or grouped.",
    )  # fmt: skip

    def __init__(self, data=None, *, datasets, capture=None):
        super().__init__(data, initial=_shown(capture or Capture(is_on=True)), auto_id="capture_%s")
        self.fields["dataset"].queryset = datasets

    def clean(self):
        data = super().clean()
        for mode, field in ((Capture.Mode.RATE, "rate"), (Capture.Mode.BELOW, "below")):
            if data.get("mode") == mode and data.get(field) is None and field not in self.errors:
                self.add_error(field, "Say how much.")
        return data

    def values(self):
        """As `settings.set_capture` takes them; what the mode does not use stays as it is."""
        data = self.cleaned_data
        values = {name: data[name] for name in ("is_on", "mode", "max_images", "keep_days")}
        values["max_bytes"] = data["max_megabytes"] * MB
        if data["rate"] is not None:
            values["rate"] = data["rate"] / 100
        if data["below"] is not None:
            values["below"] = data["below"]
        return values


def _shown(capture):
    return {
        "is_on": capture.is_on, "dataset": capture.dataset_id, "mode": capture.mode,
        "rate": f"{capture.rate * 100:g}", "below": capture.below, "max_images": capture.max_images,
        "max_megabytes": max(1, capture.max_bytes // MB), "keep_days": capture.keep_days,
    }  # fmt: skip


class ShadowForm(forms.Form):
    """Which candidate answers how many of the questions."""

    model = forms.ModelChoiceField(None, empty_label="Choose a model …", label="Candidate")
    share = forms.FloatField(
        min_value=0.01, max_value=100, initial=10, label="Share of the questions, %", widget=forms.NumberInput(ANY)
    )

    def __init__(self, data=None, *, models, deployment):
        initial = {"model": deployment.shadow_id, "share": f"{deployment.shadow_share * 100:g}"}
        super().__init__(data, initial=initial, auto_id="shadow_%s")  # the page has another form with a model
        self.fields["model"].queryset = models
        self.fields["model"].label_from_instance = _called


def _called(model):
    built = "" if model.serving_file else " (will be built)"
    return f"{model.title}, {model.model_type} at {model.img_size} px{built}"
