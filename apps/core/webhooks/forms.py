from django import forms

from apps.core import outgoing
from apps.core.webhooks.events import EVENTS


class WebhookForm(forms.Form):
    url = forms.CharField(
        label="Address", max_length=500, widget=forms.URLInput({"placeholder": "https://example.org/hooks/yolo"}),
        help_text="It gets a signed POST with JSON. It must be reachable from this server.",
    )  # fmt: skip
    description = forms.CharField(max_length=200, required=False, help_text="For you: what listens there.")
    events = forms.MultipleChoiceField(
        label="Tell it when", choices=list(EVENTS.items()), widget=forms.CheckboxSelectMultiple
    )

    def clean_url(self):
        try:
            outgoing.check_url(self.cleaned_data["url"])
        except outgoing.Refused as refused:
            raise forms.ValidationError(str(refused)) from None
        return self.cleaned_data["url"]
