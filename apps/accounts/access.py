"""Who may have an account, and who may only look with it."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import JsonResponse
from django.shortcuts import redirect
from django_otp.plugins.otp_totp.models import TOTPDevice

ONLY_LOOK = (
    "Your address is not verified yet: follow the link in the mail that you got, or have another sent on the page "
    "Account. Until then you may look, and change nothing."
)


def words_against_registration(by=""):
    """Why somebody may not register by the setting REGISTRATION, with what to do instead; "" for who may.

    `by`: the purpose of the link that they hold, "registration" or "team"; "" for none.
    """
    if settings.REGISTRATION == "closed":
        return f"Registration is closed here: accounts are made by operators. Ask {operator_words()} for one."
    may = ("registration", "team") if settings.TEAM_INVITATIONS_REGISTER else ("registration",)
    if settings.REGISTRATION == "invitation" and by not in may:
        return f"Registration is by invitation of an operator here. Ask {operator_words()} for a link."
    return ""


def refuse_registration(by=""):
    """PermissionDenied for who may not register, in those words."""
    if words := words_against_registration(by):
        raise PermissionDenied(words)


def operator_words():
    """Whom to ask for help."""
    return f"the operator ({settings.OPERATOR_CONTACT})" if settings.OPERATOR_CONTACT else "the operator"


def refuse_all_but_operators(user):
    """PermissionDenied for who is no operator."""
    if not user.is_superuser:
        raise PermissionDenied("This is for operators.")


class UnverifiedOnlyLook:
    """Middleware: who has not verified their address changes nothing but their account, and joins whoever invites them.
    The API has the same rule in its permissions, where it is known who calls."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        reads = request.method in ("GET", "HEAD", "OPTIONS")
        own = request.path_info.startswith(("/account/", "/api/", "/teams/join/"))
        if not (reads or own) and getattr(request.user, "may_only_look", False):
            raise PermissionDenied(ONLY_LOOK)


class OperatorsNeedTotp:
    """Middleware, where OPERATOR_TOTP is set: an operator without a second step turns it on before anything else."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_view(self, request, view, args, kwargs):
        if not settings.OPERATOR_TOTP or request.path_info.startswith("/account/") or not request.user.is_staff:
            return None
        if TOTPDevice.objects.filter(user=request.user, confirmed=True).exists():
            return None
        if request.path_info.startswith("/api/"):
            return JsonResponse({"detail": "Operators sign in with a second step here: turn it on first."}, status=403)
        return redirect("accounts:totp")
