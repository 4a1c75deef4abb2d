from django import forms

from apps.models.models import TrainedModel


class ModelForm(forms.ModelForm):
    class Meta:
        model = TrainedModel
        fields = ["name", "description", "is_public"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}
