"""Every write about people, their tokens and their links."""

from apps.accounts.services.links import LinkRefused, find_link, make_link, revoke_link, use_link
from apps.accounts.services.people import NameTaken, register_user, save_keymap, update_user
from apps.accounts.services.tokens import create_token, revoke_token, set_quota

__all__ = [
    "LinkRefused",
    "NameTaken",
    "create_token",
    "find_link",
    "make_link",
    "register_user",
    "revoke_link",
    "revoke_token",
    "save_keymap",
    "set_quota",
    "update_user",
    "use_link",
]
