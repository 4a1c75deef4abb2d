"""The page about one's own account: name, address, password."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.forms import AccountForm, ChangePasswordForm
from apps.accounts.mail import site_of
from apps.accounts.models import User
from apps.core.quotas import storage_of


@login_required
def account(request):
    """Name and address; the form has a row of its own, so that what is refused does not stand in the page's head."""
    form = AccountForm(request.POST or None, instance=User.objects.get(pk=request.user.pk))
    if request.method == "POST" and form.is_valid():
        try:
            services.update_user(request.user, site=site_of(request), **form.cleaned_data)
        except services.NameTaken as taken:
            form.add_error(None, str(taken))
        else:
            messages.success(request, "Your account is saved.")
            return redirect("accounts:account")
    return _account(request, form, ChangePasswordForm(request.user))


@login_required
@require_POST
@sensitive_post_parameters()
def password_change(request):
    form = ChangePasswordForm(request.user, request.POST)
    if not form.is_valid():
        return _account(request, AccountForm(instance=request.user), form)
    form.save()
    update_session_auth_hash(request, form.user)
    messages.success(request, "Your password is changed. All your other devices are signed out; API tokens go on.")
    return redirect("accounts:account")


def _account(request, form, password_form):
    context = {"form": form, "password_form": password_form, "mail_is_sent": settings.MAIL_IS_SENT}
    context["storage"] = storage_of(request.user.pk)
    return render(request, "accounts/account.html", context)
