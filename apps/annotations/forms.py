"""Forms about export."""

from django import forms

from apps.annotations.formats import FORMATS
from apps.datasets.models import SPLITS

MOST_VERSIONS = 500  # in a list to choose from
FORMAT_CHOICES = [(key, format.title) for key, format in FORMATS.items()]


class VersionField(forms.ChoiceField):
    """A version of a dataset, by its number; empty for the dataset as it is now. Cleans to the version or None."""

    def __init__(self, **options):
        super().__init__(required=False, **options)

    def offer(self, dataset):
        """Offer the versions of this dataset, the newest first."""
        self._versions = {version.number: version for version in dataset.versions.all()[:MOST_VERSIONS]}
        self.choices = [("", "As it is now"), *((n, _words(version)) for n, version in self._versions.items())]

    def clean(self, value):
        number = super().clean(value)
        return self._versions[int(number)] if number else None


def _words(version):
    note = f" · {version.note}" if version.note else ""
    return f"Version {version.number} · {version.created_at:%Y-%m-%d} · {version.num_images} images{note}"


class ExportForm(forms.Form):
    version = VersionField(label="What")
    format = forms.ChoiceField(choices=FORMAT_CHOICES)
    splits = forms.MultipleChoiceField(
        choices=[(split, split) for split in SPLITS], required=False, widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: all, images without a split included.",
    )  # fmt: skip
    only_labeled = forms.BooleanField(required=False, initial=True, label="Only labelled images")
    labels_only = forms.BooleanField(required=False, label="Labels without the images")

    def __init__(self, *args, dataset, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["version"].offer(dataset)

    def options(self):
        """The cleaned data as `services.exports.start_export` takes it."""
        data = dict(self.cleaned_data)
        data["with_images"] = not data.pop("labels_only")
        return data


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
