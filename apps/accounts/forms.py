"""Forms about people."""

from django import forms
from django.conf import settings
from django.contrib.auth.forms import (
    AuthenticationForm,
    BaseUserCreationForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
)
from django.utils import timezone

from apps.accounts import services, tasks
from apps.accounts.mail import later, site_of
from apps.accounts.models import SCOPES, ApiToken, User


class SignInForm(AuthenticationForm):
    """Username or email, and password."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "Username or email"
        self.error_messages["invalid_login"] = "No account has this name and password together."


def _free_name(username, mine=None):
    if "@" in username:
        raise forms.ValidationError("A username has no @; the email has its own field.")
    if User.objects.filter(username__iexact=username).exclude(pk=mine and mine.pk).exists():
        raise forms.ValidationError("This username is taken.")
    return username


def _free_email(email, mine=None):
    if User.objects.filter(email__iexact=email).exclude(pk=mine and mine.pk).exists():
        raise forms.ValidationError("An account with this email exists.")
    return email


class RegisterForm(BaseUserCreationForm):
    """A new account; names differ by more than case, and have no @ so that they are never taken for an email."""

    class Meta(BaseUserCreationForm.Meta):
        model = User
        fields = ["username", "email"]

    def clean_username(self):
        return _free_name(self.cleaned_data["username"])

    def clean_email(self):
        return _free_email(self.cleaned_data["email"])


class AccountForm(forms.ModelForm):
    """One's own username and address."""

    class Meta:
        model = User
        fields = ["username", "email"]

    def clean_username(self):
        return _free_name(self.cleaned_data["username"], self.instance)

    def clean_email(self):
        return _free_email(self.cleaned_data["email"], self.instance)


class NewPasswordForm(SetPasswordForm):
    """A new password by a link; it is written by the service that all doors use."""

    def save(self, commit=True):
        services.set_password(self.user, self.cleaned_data["new_password1"])
        return self.user


class ChangePasswordForm(NewPasswordForm, PasswordChangeForm):
    """A new password, for who knows the old one."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["old_password"].widget.attrs.pop("autofocus")  # it stands beside another form


class ForgottenForm(PasswordResetForm):
    """Asks for a link by mail; the answer does not say whether there is such an account."""

    def save(self, request=None, **kwargs):
        for user in self.get_users(self.cleaned_data["email"]):
            if services.may_be_mailed(user):
                later(tasks.send_password_reset, user.pk, site_of(request))


class CodeForm(forms.Form):
    """A code of the second step."""

    code = forms.CharField(
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false"}),
    )


class TurnOffForm(CodeForm):
    """The password and a code, to turn the second step off."""

    password = forms.CharField(
        max_length=256, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    field_order = ["password", "code"]

    def __init__(self, user, *args, **kwargs):
        self.user = user
        super().__init__(*args, auto_id="off_%s", **kwargs)

    def clean_password(self):
        if not self.user.check_password(self.cleaned_data["password"]):
            raise forms.ValidationError("This is not your password.")


class InvitationForm(forms.Form):
    """Whom to invite to register, and for how long."""

    email = forms.EmailField(required=False, label="Address (optional)")
    days = forms.IntegerField(min_value=1, max_value=365, label="Good for so many days")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["days"].initial = settings.INVITATION_DAYS
        self.fields["email"].help_text = (
            "The link is sent there." if settings.MAIL_IS_SENT
            else "No mail is sent here: you copy the link, and the address is filled in for whoever opens it."
        )  # fmt: skip

    def clean_email(self):
        email = self.cleaned_data["email"]
        return _free_email(email) if email else ""


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
