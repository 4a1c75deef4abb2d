"""Who may: a webhook is its owner's, and the operator's."""

from django.http import Http404

from apps.core.webhooks.models import Webhook


def webhooks_visible_to(user):
    """Webhooks that `user` may see, change and delete."""
    return Webhook.objects.all() if user.is_superuser else Webhook.objects.filter(owner_id=user.pk)


def get_webhook(user, pk):
    """The webhook, or Http404."""
    hook = webhooks_visible_to(user).filter(pk=pk).first()
    if hook is None:
        raise Http404("No such webhook.")
    return hook


def get_delivery(user, pk, delivery_id):
    """A delivery of a webhook, or Http404."""
    row = get_webhook(user, pk).deliveries.filter(pk=delivery_id).first()
    if row is None:
        raise Http404("No such delivery.")
    return row
