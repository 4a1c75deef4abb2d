"""The form that starts a batch."""

from django import forms
from django.conf import settings

from apps.datasets.access import visible_to
from apps.datasets.models import SPLITS, Dataset

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2")


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    widget = ManyFilesInput

    def clean(self, data, initial=None):
        return [super(ManyFilesField, self).clean(one, initial) for one in data or []]


class BatchForm(forms.Form):
    """Images or one archive, or a dataset; and from which confidence on."""

    files = ManyFilesField(required=False, allow_empty_file=True)
    dataset = forms.ModelChoiceField(Dataset.objects.none(), required=False, empty_label="Choose a dataset …")
    split = forms.ChoiceField(
        choices=[("", "All images"), *((s, f"Only {s}") for s in SPLITS), ("none", "Only without a split")],
        required=False,
    )
    conf = forms.FloatField(min_value=0.001, max_value=1, required=False)

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["dataset"].queryset = visible_to(user).filter(num_images__gt=0).order_by("name")

    def clean_files(self):
        files = self.cleaned_data["files"]
        archives = [file for file in files if file.name.lower().endswith(ARCHIVES)]
        if archives and len(files) > 1:
            raise forms.ValidationError("Send one archive, or images, not both.")
        most = settings.MAX_ARCHIVE_BYTES if archives else settings.MAX_IMAGE_BYTES
        for file in files:
            if file.size > most:
                raise forms.ValidationError(f"{file.name} is larger than {most // 2**20} MB.")
        return files

    def clean(self):
        data = super().clean()
        if not self.errors and bool(data.get("files")) == bool(data.get("dataset")):
            raise forms.ValidationError("Choose files, or a dataset.")
        return data

    def asked(self):
        """What was chosen, as `batch_api.start` takes it."""
        data = self.cleaned_data
        if data["dataset"]:
            return {"dataset_id": data["dataset"].pk, "filter": {"split": data["split"]} if data["split"] else {}}
        files = data["files"]
        return {"file": files[0]} if files[0].name.lower().endswith(ARCHIVES) else {"images": files}
