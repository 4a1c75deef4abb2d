"""Who may: a webhook is its owner's, a team's is its owners', and all are the operator's.

What a webhook tells leaves the platform, and goes on when who made it has left: whoever lets things out of a team does.
"""

from django.http import Http404

from apps.core.access import Right, held_by, rows_held
from apps.core.webhooks.models import Webhook


def webhooks_visible_to(user):
    """Webhooks that `user` may see, change and delete."""
    return rows_held(Webhook.objects.select_related("team"), user, Right.MANAGE)


def webhooks_of(user):
    """Webhooks that are for `user` to look after: their own, and those of the teams that they own."""
    return Webhook.objects.select_related("team").filter(held_by(user, Right.MANAGE))


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
