"""Forms about people."""

from django import forms
from django.contrib.auth.forms import AuthenticationForm, BaseUserCreationForm
from django.utils import timezone

from apps.accounts.models import SCOPES, ApiToken, User


class SignInForm(AuthenticationForm):
    """Username or email, and password."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Username or email"
        self.error_messages["invalid_login"] = "No account has this name and password together."


class RegisterForm(BaseUserCreationForm):
    """A new account; names differ by more than case, and have no @ so that they are never taken for an email."""

    class Meta(BaseUserCreationForm.Meta):
        model = User
        fields = ["username", "email"]

    def clean_username(self):
        username = self.cleaned_data["username"]
        if "@" in username:
            raise forms.ValidationError("A username has no @; the email has its own field.")
        if User.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError("This username is taken.")
        return username

    def clean_email(self):
        email = self.cleaned_data["email"]
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError("An account with this email exists.")
        return email


class TokenForm(forms.ModelForm):
    """A named token with scope and optional expiry."""

    scope = forms.MultipleChoiceField(
        choices=[(scope, f"{scope}: {words}") for scope, words in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=["read", "infer"],
    )
    expires_at = forms.DateTimeField(
        required=False, label="Expires (optional)", widget=forms.DateInput(attrs={"type": "date"})
    )

    class Meta:
        model = ApiToken
        fields = ["name", "scope", "expires_at", "requests_per_day"]
        labels = {"requests_per_day": "Predictions a day (optional)"}

    def clean_scope(self):
        return " ".join(self.cleaned_data["scope"])

    def clean_expires_at(self):
        expires_at = self.cleaned_data["expires_at"]
        if expires_at and expires_at <= timezone.now():
            raise forms.ValidationError("This is in the past.")
        return expires_at


class QuotaForm(forms.ModelForm):
    """How often a token may ask models on one day."""

    class Meta:
        model = ApiToken
        fields = ["requests_per_day"]
