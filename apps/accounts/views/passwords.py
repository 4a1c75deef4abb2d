"""Forgotten passwords: a link by mail, or from an operator where no mail is sent."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views
from django.shortcuts import render
from django.urls import reverse_lazy

from apps.accounts.access import operator_words
from apps.accounts.forms import ForgottenForm, NewPasswordForm


class PasswordForgotten(views.PasswordResetView):
    """Where no mail is sent, the page says who can make a link."""

    form_class = ForgottenForm
    template_name = "accounts/password_forgotten.html"
    success_url = reverse_lazy("accounts:password_forgotten_sent")

    def dispatch(self, request, *args, **kwargs):
        if not settings.MAIL_IS_SENT:
            return render(request, "accounts/password_forgotten.html", {"operator": operator_words()})
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form):
        form.save(request=self.request)
        return super(views.PasswordResetView, self).form_valid(form)


class PasswordForgottenSent(views.PasswordResetDoneView):
    """What happens next."""

    template_name = "accounts/password_forgotten.html"
    extra_context = {"sent": True}


class PasswordReset(views.PasswordResetConfirmView):
    """A new password by a link that is good once; who sets it signs in with it."""

    form_class = NewPasswordForm
    template_name = "accounts/password_reset.html"
    success_url = reverse_lazy("accounts:sign_in")

    def form_valid(self, form):
        messages.success(self.request, "Your password is set. Sign in with it; all devices were signed out.")
        return super().form_valid(form)
