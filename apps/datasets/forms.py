"""Forms about datasets."""

from django import forms

from apps.datasets.models import SPLITS, Dataset
from apps.datasets.services.classes import MAX_CLASS_NAME, MAX_CLASSES


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
    stratify = forms.BooleanField(required=False, initial=True, label="Spread the classes evenly")
    only_unassigned = forms.BooleanField(required=False, label="Only images without a split")

    def clean(self):
        data = super().clean()
        if all(split in data for split in SPLITS):
            total = sum(data[split] for split in SPLITS)
            if total != 100:
                raise forms.ValidationError(f"The three must sum to 100 %; they sum to {total} %.")
            data.update({split: data[split] / 100 for split in SPLITS})
        return data


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
