"""The page of the browsers in which one is signed in."""

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.browsers import device_words


@login_required
def session_list(request):
    services.note_session(request, request.user)
    rows = list(request.user.browser_sessions.all()[:100])
    for row in rows:
        row.device, row.is_here = device_words(row.user_agent), row.session_key == request.session.session_key
    return render(request, "accounts/session_list.html", {"rows": rows})


@login_required
@require_POST
def session_end(request, pk):
    services.end_session(get_object_or_404(request.user.browser_sessions, pk=pk))
    messages.success(request, "That browser is signed out.")
    return redirect("accounts:session_list")


@login_required
@require_POST
def sign_out_everywhere(request):
    """All but this browser, which goes on with the new generation."""
    services.sign_out_everywhere(request.user)
    update_session_auth_hash(request, request.user)
    messages.success(request, "All other browsers and programs are signed out. API tokens go on until you revoke them.")
    return redirect("accounts:session_list")
