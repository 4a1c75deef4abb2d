"""Signing in."""

from django.conf import settings
from django.contrib.auth import views

from apps.accounts.forms import SignInForm


class SignIn(views.LoginView):
    """Username or email, and password."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs):
        return super().get_context_data(registration=settings.REGISTRATION, **kwargs)
