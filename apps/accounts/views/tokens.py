"""Pages about one's API tokens."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from apps.accounts import services
from apps.accounts.forms import QuotaForm, TokenForm


@login_required
def token_list(request):
    form = TokenForm(request.POST or None)
    new_key = None
    if request.method == "POST" and form.is_valid():
        _, new_key = services.create_token(request.user, **form.cleaned_data)
        form = TokenForm()
    context = {"tokens": request.user.api_tokens.all(), "form": form, "new_key": new_key}
    return render(request, "accounts/token_list.html", context)


@login_required
@require_POST
def token_quota(request, pk):
    token = get_object_or_404(request.user.api_tokens, pk=pk)
    form = QuotaForm(request.POST)
    if form.is_valid():
        quota = services.set_quota(token, **form.cleaned_data).requests_per_day
        words = f"may ask models {quota} time{'s' if quota != 1 else ''} a day" if quota else "has no quota"
        messages.success(request, f"The token “{token.name}” {words} from now on.")
    else:
        messages.error(request, f"The quota of “{token.name}” stays: {' '.join(form.errors['requests_per_day'])}")
    return redirect("accounts:token_list")


@login_required
@require_POST
def token_revoke(request, pk):
    token = get_object_or_404(request.user.api_tokens, pk=pk)
    services.revoke_token(token)
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("accounts:token_list")
