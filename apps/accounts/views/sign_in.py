"""Signing in and out."""

import time

from django.conf import settings
from django.contrib.auth import views
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import redirect

from apps.accounts import services
from apps.accounts.forms import SignInForm
from apps.accounts.services import totp
from apps.core import audit

PENDING = "second_step"  # of the session: who gave the password and owes the code


class SignIn(views.LoginView):
    """Username or email, and password."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form):
        user = form.get_user()
        if totp.has_totp(user):
            seal = user.get_session_auth_hash()
            self.request.session[PENDING] = [user.pk, seal, time.time(), self.get_success_url()]
            return redirect("accounts:second_step")
        response = super().form_valid(form)
        note_sign_in(self.request)
        return response

    def get_context_data(self, **kwargs):
        return super().get_context_data(registration=settings.REGISTRATION, **kwargs)


class SignOut(views.LogoutView):
    """The end of this browser's sign-in."""

    def post(self, request, *args, **kwargs):
        user, key = request.user, request.session.session_key
        response = super().post(request, *args, **kwargs)
        if user.is_authenticated:
            services.forget_session(key)
            audit.record(user, "signed out", user)
        return response


def note_sign_in(request):
    """Write down that the request's person has signed in, and where."""
    services.note_session(request, request.user)
    audit.record(request.user, "signed in", request.user)


def admin_sign_in(request):
    """The admin has no sign-in of its own: there is one road."""
    if request.user.is_authenticated:
        raise PermissionDenied("The admin is for operators.")
    return redirect_to_login(request.GET.get("next", "/admin/"))
