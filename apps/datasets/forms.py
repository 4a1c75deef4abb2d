"""Forms about datasets."""

from django import forms

from apps.accounts.teams.fields import offer_teams
from apps.datasets.models import SPLITS, Dataset
from apps.datasets.services.classes import MAX_CLASS_NAME, MAX_CLASSES
from apps.datasets.sources import RULES


class DatasetForm(forms.ModelForm):
    class_names = forms.CharField(
        required=False,
        label="Classes",
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "One a line, or apart by commas"}),
        help_text="More can be added at any time. Their order is the class ids, from 0.",
    )

    class Meta:
        model = Dataset
        fields = ["name", "description", "task", "class_names", "is_public"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        offer_teams(self, user)

    def clean_class_names(self):
        return parse_class_names(self.cleaned_data["class_names"].replace("\n", ",").split(","))


class DatasetEditForm(forms.ModelForm):
    class Meta:
        model = Dataset
        fields = ["name", "description", "is_public"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class SplitForm(forms.Form):
    """Fractions that sum to 1, given as percent on the page."""

    train = forms.IntegerField(min_value=0, max_value=100, initial=70, label="Train %")
    val = forms.IntegerField(min_value=0, max_value=100, initial=20, label="Validation %")
    test = forms.IntegerField(min_value=0, max_value=100, initial=10, label="Test %")
    seed = forms.IntegerField(min_value=0, max_value=2**31, initial=0)
    keep_together = forms.MultipleChoiceField(
        choices=list(RULES.items()),
        initial=list(RULES),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Keep on one side",
    )
    before_number = forms.BooleanField(
        required=False,
        label="Whatever stands before the last number of a name is one source",
        help_text="For dumped frames: cam1_0001.jpg and cam1_0002.jpg stay together.",
    )
    stratify = forms.BooleanField(required=False, initial=True, label="Spread the classes evenly")
    anew = forms.BooleanField(
        required=False,
        label="Assign all anew",
        help_text="Images that have a split move too. Otherwise only those without one are assigned.",
    )

    def clean(self):
        data = super().clean()
        if all(split in data for split in SPLITS):
            total = sum(data[split] for split in SPLITS)
            if total != 100:
                raise forms.ValidationError(f"The three must sum to 100 %; they sum to {total} %.")
        return data

    @property
    def numbers(self):
        return [self[name] for name in (*SPLITS, "seed")]

    @property
    def choices(self):
        return [self[name] for name in ("keep_together", "before_number", "stratify", "anew")]

    def options(self):
        """What was asked for, as `services.splits.start_split` takes it."""
        data = dict(self.cleaned_data)
        data.update({split: data[split] / 100 for split in SPLITS}, only_unassigned=not data.pop("anew"))
        return data


class KeepOneForm(forms.Form):
    """Of groups of duplicates, which image to keep: `group` is the first image of one, or "all" for those shown.

    `keep-<first>` is the image to keep, `images-<first>` those that were shown, apart by commas.
    """

    def clean(self):
        wanted = self.data.get("group", "")
        firsts = self.data.getlist("groups") if wanted == "all" else [wanted]
        try:
            choices = {_id(first): self._choice(first) for first in firsts}
        except ValueError:
            raise forms.ValidationError("This is no choice of images. Look at the groups again.") from None
        if not choices:
            raise forms.ValidationError("No group was chosen.")
        return {"choices": choices}

    def _choice(self, first):
        shown = [_id(word) for word in self.data.get(f"images-{first}", "").split(",")]
        return _id(self.data.get(f"keep-{first}", "")), shown


def _id(word):
    if not (word.isdecimal() and word.isascii() and len(word) < 19):
        raise ValueError(word)
    return int(word)


class ClassForm(forms.Form):
    name = forms.CharField(max_length=MAX_CLASS_NAME)


def parse_class_names(names):
    """Clean a list of class names; raises ValidationError for a name that comes twice."""
    cleaned = [" ".join(str(name).split()) for name in names if str(name).strip()]
    if len(cleaned) > MAX_CLASSES:
        raise forms.ValidationError(f"A dataset has at most {MAX_CLASSES} classes.")
    seen = set()
    for name in cleaned:
        if len(name) > MAX_CLASS_NAME or not name.isprintable():
            raise forms.ValidationError(f"A class name has 1 to {MAX_CLASS_NAME} printable characters.")
        if name.casefold() in seen:
            raise forms.ValidationError(f"The class “{name}” is there twice.")
        seen.add(name.casefold())
    return cleaned
