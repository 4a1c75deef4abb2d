from django import forms

from apps.models.error_lists import Wanted
from apps.models.mistakes import KINDS
from apps.models.models import Evaluation, TrainedModel


class ModelForm(forms.ModelForm):
    class Meta:
        model = TrainedModel
        fields = ["name", "description", "is_public"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class EvaluationForm(forms.Form):
    """What to measure on: one of the offered versions, and a split of it."""

    version = forms.ModelChoiceField(queryset=None)
    split = forms.ChoiceField(choices=Evaluation.SPLITS)

    def __init__(self, *args, versions, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["version"].queryset = versions


class WantedForm(forms.Form):
    """Which images of an evaluation to show; what cannot be read counts as not given."""

    conf = forms.FloatField(required=False, min_value=0.05, max_value=1)
    kind = forms.ChoiceField(required=False, choices=list(KINDS.items()))
    class_id = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    predicted = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    true = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    confirmed = forms.BooleanField(required=False)

    def wanted(self, model):
        """As Wanted, with the model's own threshold where none is given."""
        self.is_valid()
        data = self.cleaned_data
        conf = data.get("conf") or max(model.operating_point.get("confidence", 0.25), 0.05)
        predicted, true = data.get("predicted"), data.get("true")
        return Wanted(
            conf=round(conf, 2),
            kind=data.get("kind") or "",
            class_id=data.get("class_id"),
            cell=None if predicted is None or true is None else (predicted, true),
            with_confirmed=bool(data.get("confirmed")),
        )
