"""The pages of webhooks."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import F
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.core.webhooks import services
from apps.core.webhooks.access import get_delivery, get_webhook, webhooks_of
from apps.core.webhooks.forms import WebhookForm

PAGE = 30


@login_required
def webhook_list(request):
    """My own, and those of the teams that I own; a POST makes one of my own."""
    return list_page(request)


def list_page(request, team=None):
    """The page of the webhooks of who asks, or of a team; a POST makes one, and the answer shows its secret."""
    form, made = WebhookForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            made = services.create_webhook(request.user, **form.cleaned_data, team=team)
        except services.WebhookRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            form = WebhookForm()
    hooks = team.webhooks.all() if team else webhooks_of(request.user).order_by(F("team").asc(nulls_first=True), "-pk")
    context = {"hooks": hooks, "form": form, "made": made, "team": team}
    return render(request, "core/webhook_list.html", context)


@login_required
def switched_off(request):
    """A fragment for the dashboard: webhooks of mine, or of a team of mine, that the platform switched off."""
    hooks = webhooks_of(request.user).filter(is_active=False).exclude(disabled_because="")
    return render(request, "core/webhook_list.html#switched_off", {"hooks": hooks})


@login_required
def webhook_detail(request, pk):
    """A webhook with its log; a POST changes its address, events and description."""
    hook = get_webhook(request.user, pk)
    kept = {"url": hook.url, "description": hook.description, "events": hook.events}
    form = WebhookForm(request.POST or None, initial=kept)
    if request.method == "POST" and form.is_valid():
        try:
            services.update_webhook(hook, request.user, **form.cleaned_data)
        except services.WebhookRefused as refused:
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, "The webhook is changed.")
            return redirect("core:webhook_detail", pk)
    return _detail(request, hook, form=form)


def _detail(request, hook, **more):
    page = Paginator(hook.deliveries.all(), PAGE).get_page(request.GET.get("page"))
    moving = any(row.status == row.Status.PENDING for row in page)
    part = "#log" if request.htmx and not request.htmx.boosted else ""
    context = {"hook": hook, "page": page, "moving": moving, **more}
    return render(request, f"core/webhook_detail.html{part}", context)


@login_required
@require_POST
def webhook_switch(request, pk):
    hook = get_webhook(request.user, pk)
    services.update_webhook(hook, request.user, is_active="on" in request.POST)
    messages.success(request, f"The webhook is switched {'on' if hook.is_active else 'off'}.")
    return redirect("core:webhook_detail", pk)


@login_required
@require_POST
def webhook_test(request, pk):
    services.send_test(get_webhook(request.user, pk))
    messages.success(request, "A test is on its way: the log below says whether it arrived.")
    return redirect("core:webhook_detail", pk)


@login_required
@require_POST
def webhook_secret(request, pk):
    hook = get_webhook(request.user, pk)
    secret = services.renew_secret(hook, request.user)
    kept = {"url": hook.url, "description": hook.description, "events": hook.events}
    return _detail(request, hook, form=WebhookForm(initial=kept), secret=secret)


@login_required
@require_POST
def webhook_delete(request, pk):
    hook = get_webhook(request.user, pk)
    services.delete_webhook(hook, request.user)
    messages.success(request, f"The webhook “{hook}” is deleted.")
    return redirect("teams:webhooks", hook.team_id) if hook.team_id else redirect("core:webhook_list")


@login_required
@require_POST
def delivery_replay(request, pk, delivery_id):
    try:
        services.replay(get_delivery(request.user, pk, delivery_id))
    except services.WebhookRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, "It is sent again.")
    return redirect("core:webhook_detail", pk)
