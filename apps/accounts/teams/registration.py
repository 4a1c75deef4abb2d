"""Registering with an invitation: an operator's, or one to a team, which is joined in the same moment."""

from django.db import transaction

from apps.accounts import services
from apps.accounts.services.invitations import PURPOSE
from apps.accounts.services.links import purpose_of
from apps.accounts.teams import invitations


def find_invitation(key):
    """(the OneTimeLink of an invitation that is still good, the TeamInvitation or None); raises LinkRefused."""
    if purpose_of(key) == invitations.PURPOSE:
        row = invitations.find_invitation(key)
        return row.link, row
    return services.find_link(PURPOSE, key), None


@transaction.atomic
def register(username, email, password, site, invitation=""):
    """A person who registers by themselves, with the key of an invitation or without; raises NameTaken, LinkRefused.

    With one to a team they are in the team: whoever has no account yet takes one step, not two.
    `site`: the address of the platform for the links of mails, as "https://yolo.example.org".
    """
    link, to_team = find_invitation(invitation) if invitation else (None, None)
    user = services.register_oneself(username, email, password, site, link)
    if to_team:
        invitations.accept(user, invitation)
    elif link:
        services.use_link(link, user)
    return user
