"""Pages of the second step: at signing in, and to turn it on and off."""

import time

import segno
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from apps.accounts.forms import CodeForm, TurnOffForm
from apps.accounts.models import User
from apps.accounts.services import totp
from apps.accounts.views.sign_in import PENDING, note_sign_in

MINUTES = 5  # between the password and the code


@sensitive_post_parameters()
def second_step(request):
    """The code, for who has just given the password."""
    user, address = _pending(request)
    if user is None:
        messages.error(request, "Give your password again: the code is asked for within five minutes of it.")
        return redirect("accounts:sign_in")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            totp.check_code(user, form.cleaned_data["code"])
        except totp.CodeRefused as refused:
            form.add_error("code", str(refused))
        else:
            del request.session[PENDING]
            login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
            note_sign_in(request)
            return redirect(address)
    return render(request, "accounts/second_step.html", {"form": form})


def _pending(request):
    """(person, where they want to go) of a sign-in that waits for its code; (None, "") where none does."""
    pk, seal, since, address = request.session.get(PENDING, (None, "", 0, ""))
    user = User.objects.filter(pk=pk, is_active=True).first() if time.time() - since < MINUTES * 60 else None
    return (user, address) if user and user.get_session_auth_hash() == seal else (None, "")


@login_required
def totp_detail(request):
    return _page(request)


@login_required
@require_POST
def totp_start(request):
    """A secret to scan; it counts once a code of it was given."""
    if totp.has_totp(request.user):
        return redirect("accounts:totp")
    return _page(request, device=totp.start_totp(request.user))


@login_required
@require_POST
def totp_confirm(request):
    form = CodeForm(request.POST)
    device = request.user.totpdevice_set.filter(confirmed=False).first()
    if device is None:
        return redirect("accounts:totp")
    if form.is_valid():
        try:
            return _page(request, codes=totp.confirm_totp(request.user, form.cleaned_data["code"]))
        except totp.CodeRefused as refused:
            form.add_error("code", str(refused))
    return _page(request, device=device, form=form)


@login_required
@require_POST
def totp_codes(request):
    form = CodeForm(request.POST)
    if form.is_valid():
        try:
            return _page(request, codes=totp.renew_codes(request.user, form.cleaned_data["code"]))
        except totp.CodeRefused as refused:
            form.add_error("code", str(refused))
    return _page(request, form=form)


@login_required
@require_POST
@sensitive_post_parameters()
def totp_off(request):
    form = TurnOffForm(request.user, request.POST)
    if form.is_valid():
        try:
            totp.turn_off_totp(request.user, form.cleaned_data["code"])
        except totp.CodeRefused as refused:
            form.add_error("code", str(refused))
        else:
            messages.success(request, "You sign in without a second step from now on.")
            return redirect("accounts:totp")
    return _page(request, off_form=form)


def _page(request, device=None, codes=None, form=None, off_form=None):
    context = {
        "is_on": totp.has_totp(request.user), "codes": codes, "codes_left": totp.codes_left(request.user),
        "form": form or CodeForm(), "off_form": off_form or TurnOffForm(request.user),
        "must": settings.OPERATOR_TOTP and request.user.is_staff,
    }  # fmt: skip
    if device:
        context["qr"] = segno.make(device.config_url, error="m").svg_data_uri(scale=5, border=4, light="white")
        context["secret"] = totp.secret_text(device)
    return render(request, "accounts/totp.html", context)
