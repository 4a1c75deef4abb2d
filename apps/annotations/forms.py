"""Forms about export."""

from django import forms

from apps.annotations.formats import FORMATS
from apps.datasets.models import SPLITS

FORMAT_CHOICES = [(key, format.title) for key, format in FORMATS.items()]


class ExportForm(forms.Form):
    format = forms.ChoiceField(choices=FORMAT_CHOICES)
    splits = forms.MultipleChoiceField(
        choices=[(split, split) for split in SPLITS], required=False, widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all, images without a split included.",
    )  # fmt: skip
    only_labeled = forms.BooleanField(required=False, initial=True, label="Only labelled images")


class RemoveClassForm(forms.Form):
    """Merge a class into another, or delete it with its labels."""

    action = forms.ChoiceField(
        choices=[("merge", "Merge it into another class"), ("delete", "Delete it with all its boxes")],
        widget=forms.RadioSelect, initial="merge", label="What happens to its boxes",
    )  # fmt: skip
    into = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label="Into")

    def __init__(self, *args, dataset, class_id, **kwargs):
        super().__init__(*args, **kwargs)
        others = [(row["id"], row["name"]) for row in dataset.classes if row["id"] != class_id]
        self.fields["into"].choices = [("", "Choose a class"), *others]
        if not others:
            self.fields["action"].choices = [("delete", "Delete it with all its boxes")]
            self.initial["action"] = "delete"
            del self.fields["into"]

    def clean(self):
        data = super().clean()
        if data.get("action") == "merge" and data.get("into") is None and not self.errors:
            self.add_error("into", "Say which class gets its boxes.")
        if data.get("action") == "delete":
            data["into"] = None
        return data
