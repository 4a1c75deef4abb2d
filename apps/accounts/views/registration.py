"""Pages on which an account begins: registering, invitations, the proof of an address."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.accounts import access, services, tasks
from apps.accounts.forms import InvitationForm, RegisterForm
from apps.accounts.mail import later, site_of
from apps.accounts.teams import registration
from apps.accounts.views.sign_in import note_sign_in


def register(request):
    access.refuse_registration()
    return _register(request)


def register_invited(request, key):
    """Registering with an invitation, an operator's or a team's; one that is good no more says why."""
    access.refuse_registration(by=services.purpose_of(key) or "registration")
    try:
        link, to_team = registration.find_invitation(key)
    except services.LinkRefused as refused:
        return render(request, "accounts/link_refused.html", {"words": refused}, status=410)
    return _register(request, key, link, to_team)


def _register(request, key="", link=None, to_team=None):
    address = reverse("teams:join", args=[key]) if to_team else _wanted(request)
    if request.user.is_authenticated:
        return redirect(address)
    form = RegisterForm(request.POST or None, initial={"email": link.email if link else ""})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        names = data["username"], data["email"], data["password1"]
        try:
            user = registration.register(*names, site=site_of(request), invitation=key)
        except (services.NameTaken, services.LinkRefused) as refused:
            form.add_error(None, str(refused))
        else:
            login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
            note_sign_in(request)
            into = f" You are in the team “{to_team.team}” now, as {to_team.role}." if to_team else ""
            messages.success(request, f"Welcome, {user.username}.{into}")
            return redirect("teams:team_detail", to_team.team_id) if to_team else redirect(address)
    return render(request, "accounts/register.html", {"form": form, "link": link, "to_team": to_team, "next": address})


def _wanted(request):
    """The page of this platform that somebody was on the way to when they were asked who they are; else the home."""
    address = request.POST.get("next") or request.GET.get("next", "")
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if ours else reverse("core:home")


def verify_email(request, proof):
    """The page asks for a click: programs that look through mail open links, and should prove nothing by that."""
    if request.method != "POST":
        return render(request, "accounts/verify_email.html")
    try:
        user = services.verify_email(proof)
    except services.ProofRefused as refused:
        return render(request, "accounts/link_refused.html", {"words": refused}, status=410)
    messages.success(request, f"{user.email} is your address. Everything is open to you now.")
    return redirect("core:home")


@login_required
@require_POST
def send_email_proof(request):
    if not services.may_be_mailed(request.user):
        messages.error(
            request, "Several mails went out within the hour. Look into the spam folder, or try again later."
        )
    elif request.user.may_only_look:
        later(tasks.send_email_proof, request.user.pk, site_of(request))
        messages.success(request, f"A link is on its way to {request.user.email}.")
    return redirect("accounts:account")


@login_required
def invitation_list(request):
    """Invitations to register, for operators."""
    access.refuse_all_but_operators(request.user)
    form, address = InvitationForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        row, key = services.invite(request.user, **form.cleaned_data, site=site_of(request))
        if key is None:
            messages.success(request, f"An invitation is on its way to {row.email}.")
            return redirect("accounts:invitation_list")
        form, address = InvitationForm(), _address_of(request, key)
    return _invitation_list(request, form, address)


@login_required
@require_POST
def invitation_renew(request, pk):
    """A link to copy, for an invitation that was made before; the one before it opens nothing any more."""
    access.refuse_all_but_operators(request.user)
    row = get_object_or_404(services.invitations(), pk=pk)
    try:
        key = services.copy_invitation(request.user, row)
    except services.LinkRefused as refused:
        messages.error(request, str(refused))
        return redirect("accounts:invitation_list")
    return _invitation_list(request, InvitationForm(), _address_of(request, key))


@login_required
@require_POST
def invitation_withdraw(request, pk):
    access.refuse_all_but_operators(request.user)
    if services.withdraw_invitation(request.user, get_object_or_404(services.invitations(), pk=pk)):
        messages.success(request, "The invitation is withdrawn: its link opens nothing any more.")
    else:
        messages.error(request, "This invitation was used or withdrawn before.")
    return redirect("accounts:invitation_list")


def _invitation_list(request, form, address):
    context = {
        "form": form, "address": address, "invitations": services.invitations()[:200],
        "registration": settings.REGISTRATION, "mail_is_sent": settings.MAIL_IS_SENT,
        "teams_register": settings.TEAM_INVITATIONS_REGISTER,
    }  # fmt: skip
    return render(request, "accounts/invitation_list.html", context)


def _address_of(request, key):
    return site_of(request) + reverse("accounts:register_invited", args=[key])
