"""The form that starts a batch."""

from django import forms
from django.conf import settings

from apps.core.archives import NO_ARCHIVE, is_archive
from apps.datasets.access import visible_to
from apps.datasets.models import SPLITS, Dataset
from apps.inference.videos.work import is_video

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2")


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    widget = ManyFilesInput

    def clean(self, data, initial=None):
        return [super(ManyFilesField, self).clean(one, initial) for one in data or []]


class BatchForm(forms.Form):
    """Images, one archive or one video, or a dataset; and from which confidence on."""

    upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    files = ManyFilesField(
        required=False, allow_empty_file=True, label="Images, one archive of them, or one video",
        help_text="JPEG, PNG, WebP, BMP, TIFF; zip or tar; mp4, mov, mkv, webm or avi. Drop them here, or choose.",
    )  # fmt: skip
    dataset = forms.ModelChoiceField(Dataset.objects.none(), required=False, empty_label="Choose a dataset …")
    split = forms.ChoiceField(
        choices=[("", "All images"), *((s, f"Only {s}") for s in SPLITS), ("none", "Only without a split")],
        required=False,
    )
    conf = forms.FloatField(min_value=0.001, max_value=1, required=False)
    every = forms.IntegerField(min_value=1, max_value=1_000_000, required=False)
    fps = forms.FloatField(min_value=0.001, max_value=1000, required=False)
    tracks = forms.BooleanField(required=False, initial=True)
    draw = forms.BooleanField(required=False, initial=True)

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["dataset"].queryset = visible_to(user).filter(num_images__gt=0).order_by("name")

    def clean_files(self):
        """The files; one that begins as a video does becomes `video`, one that is named as an archive `archive`."""
        files = self.cleaned_data["files"]
        for file in files:
            self._sort(file, alone=len(files) == 1)
        return files

    def _sort(self, file, alone):
        kind = "archive" if file.name.lower().endswith(ARCHIVES) else "video" if is_video(file) else ""
        if kind and not alone:
            raise forms.ValidationError("Send one archive, one video, or images; not several kinds at once.")
        most = settings.MAX_ARCHIVE_BYTES if kind else settings.MAX_IMAGE_BYTES
        if file.size > most:
            raise forms.ValidationError(f"{file.name} is larger than {most // 2**20} MB.")
        if kind == "archive" and not is_archive(file):
            raise forms.ValidationError(f"{file.name}: {NO_ARCHIVE}")
        self.kind = kind

    def clean(self):
        data = super().clean()
        if not self.errors and sum(bool(data.get(name)) for name in ("files", "upload", "dataset")) != 1:
            raise forms.ValidationError("Choose files, or a dataset.")
        if data.get("every") and data.get("fps"):
            self.add_error("fps", "Give either every n-th frame, or frames a second.")
        return data

    def asked(self):
        """What was chosen, as `batch_api.start` takes it."""
        data = self.cleaned_data
        frames = {name: data[name] for name in ("every", "fps", "tracks", "draw")}
        if data["dataset"]:
            return {"dataset_id": data["dataset"].pk, "filter": {"split": data["split"]} if data["split"] else {}}
        if data["upload"]:
            return {"upload": data["upload"], **frames}
        files = data["files"]
        if self.kind == "archive":
            return {"file": files[0]}
        return {"video": files[0], **frames} if self.kind else {"images": files}
