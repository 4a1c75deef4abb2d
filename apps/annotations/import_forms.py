"""Forms about imports: the archive, and the plan of what becomes of what is in it."""

from django import forms
from django.conf import settings

from apps.accounts.teams.fields import offer_teams
from apps.annotations.formats import FORMATS
from apps.annotations.services.imports.classes import FORMER, propose_classes
from apps.annotations.services.imports.options import SPLIT_CHOICES, ImportOptions
from apps.core import fetching, uploads
from apps.datasets.models import Dataset
from apps.datasets.services import MAX_CLASS_NAME

FORMAT_CHOICES = [("auto", "Recognised by its content"), *((key, format.title) for key, format in FORMATS.items())]
NEW, NONE = "new", "none"
MAX_OPTIONS = 20_000  # choices on one page; beyond it a class here is chosen by writing its name


class ArchiveForm(forms.Form):
    """An archive as a file, as the id of an upload that came in pieces, or as an address to fetch it from."""

    file = forms.FileField(
        label="Archive (zip or tar)", required=False,
        widget=forms.FileInput(attrs={"accept": ".zip,.tar,.tgz,.gz,.bz2", "required": True}),
    )  # fmt: skip
    upload = forms.UUIDField(required=False, widget=forms.HiddenInput)
    url = forms.CharField(
        label="Address of the archive", required=False, max_length=fetching.LONGEST,
        widget=forms.TextInput(attrs={
            "type": "url", "placeholder": "https://example.org/cells.zip", "required": True, "autocomplete": "off",
            "inputmode": "url", "spellcheck": "false",
        }),
        help_text="The platform fetches it. It must be on the public internet and open without signing in.",
    )  # fmt: skip

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self):
        data = super().clean()
        file, upload = data.get("file"), data.get("upload")
        if "url" in self.data:
            if not data.get("url") and "url" not in self.errors:
                self.add_error("url", "Give the address of an archive.")
        elif upload:
            try:
                data["archive"], data["filename"] = uploads.stored_upload(self.user, upload)
            except uploads.UploadError as error:
                self.add_error("file", str(error))
        elif file is None:
            if "file" not in self.errors:
                self.add_error("file", "Choose an archive.")
        elif file.size > settings.MAX_ARCHIVE_BYTES:
            self.add_error("file", f"Larger than {settings.MAX_ARCHIVE_BYTES // 2**20} MB.")
        else:
            data["archive"], data["filename"] = file, file.name
        return data


class FormatForm(forms.Form):
    format = forms.ChoiceField(choices=FORMAT_CHOICES)


class PlanForm(forms.Form):
    """What becomes of what an inspection found; `rows` are the archive's classes with their choices."""

    splits = forms.ChoiceField(choices=list(SPLIT_CHOICES.items()), label="The archive's splits")
    name = forms.CharField(max_length=120, label="Name of the new dataset")
    task = forms.ChoiceField(choices=Dataset.Task.choices)

    def __init__(self, found, dataset, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.found, self.dataset = found, dataset
        if dataset:
            del self.fields["name"], self.fields["task"]
        else:
            offer_teams(self, user)
        if not any(self.found["splits"].get(split) for split in ("train", "val", "test")):
            self.fields["splits"].label = "Splits (the archive has none)"
        self.rows = self._rows()

    def _rows(self):
        """A row for each class of the archive, as it was posted, else as it is proposed."""
        classes = self.found["classes"]
        here = list(zip(self.dataset.class_keys, self.dataset.class_names, strict=True)) if self.dataset else []
        is_short = len(classes) * len(here) <= MAX_OPTIONS
        proposals = propose_classes(self.dataset, [found["name"] for found in classes])
        rows = []
        for place, (found, proposal) in enumerate(zip(classes, proposals, strict=True)):
            proposed = NEW if proposal.class_id is None else str(self.dataset.key_of(proposal.class_id))
            to = self.data.get(f"class-{place}", proposed)
            offered = here if is_short else [(key, name) for key, name in here if str(key) == to]
            rows.append({
                **found, "place": place, "to": to, "options": [(str(key), name) for key, name in offered],
                "new_name": self.data.get(f"name-{place}", proposal.name), "is_former": proposal.by == FORMER,
            })  # fmt: skip
        return rows

    def clean(self):
        data = super().clean()
        data["classes"] = {row["name"]: self._target(row) for row in self.rows}
        return data

    def _target(self, row):
        if row["to"] == NONE:
            return None
        if row["to"] != NEW:
            if self.dataset and row["to"] in map(str, self.dataset.class_keys):
                return {"key": int(row["to"])}
            row["error"] = "This class is not here any more."
        else:
            name = " ".join(row["new_name"].split())
            if name and len(name) <= MAX_CLASS_NAME and name.isprintable():
                return {"new": name}
            row["error"] = f"A class needs a name of 1 to {MAX_CLASS_NAME} printable characters."
        self.add_error(None, f"“{row['name']}”: {row['error']}")
        return None

    def options(self, format):
        """What was asked, for a format that is known by now."""
        return ImportOptions(format, self.cleaned_data["classes"], self.cleaned_data["splits"])
