"""Forms about import and export."""

from django import forms
from django.conf import settings

from apps.annotations.formats import FORMATS
from apps.datasets.models import SPLITS

FORMAT_CHOICES = [(key, format.title) for key, format in FORMATS.items()]


class ImportForm(forms.Form):
    file = forms.FileField(
        label="Archive (zip or tar)", widget=forms.FileInput(attrs={"accept": ".zip,.tar,.tgz,.gz,.bz2"})
    )
    format = forms.ChoiceField(choices=[("auto", "Recognise it by itself"), *FORMAT_CHOICES])

    def clean_file(self):
        file = self.cleaned_data["file"]
        if file.size > settings.MAX_ARCHIVE_BYTES:
            raise forms.ValidationError(f"Larger than {settings.MAX_ARCHIVE_BYTES // 2**20} MB.")
        return file


class ImportNewForm(ImportForm):
    name = forms.CharField(max_length=120, label="Name of the new dataset")
    field_order = ["name", "file", "format"]


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
