"""Every write about people, their tokens and their links."""

from apps.accounts.services.activity import ActivityRefused, activate_user, deactivate_user
from apps.accounts.services.browsers import end_session, forget_ended_sessions, forget_session, note_session
from apps.accounts.services.invitations import copy_invitation, invitations, invite, withdraw_invitation
from apps.accounts.services.leaving import INSTEAD, delete_person, why_person_stays
from apps.accounts.services.links import LinkRefused, find_link, make_link, purpose_of, renew_key, revoke_link, use_link
from apps.accounts.services.people import (
    NameTaken,
    ProofRefused,
    make_reset_link,
    may_be_mailed,
    register_oneself,
    register_user,
    save_keymap,
    set_password,
    update_user,
    verify_email,
)
from apps.accounts.services.sign_ins import end_jwts, sign_out_everywhere
from apps.accounts.services.tokens import create_token, revoke_token, set_quota

__all__ = [
    "INSTEAD",
    "ActivityRefused",
    "LinkRefused",
    "NameTaken",
    "ProofRefused",
    "activate_user",
    "copy_invitation",
    "create_token",
    "deactivate_user",
    "delete_person",
    "end_jwts",
    "end_session",
    "find_link",
    "forget_ended_sessions",
    "forget_session",
    "invitations",
    "invite",
    "make_link",
    "make_reset_link",
    "may_be_mailed",
    "note_session",
    "purpose_of",
    "register_oneself",
    "register_user",
    "renew_key",
    "revoke_link",
    "revoke_token",
    "save_keymap",
    "set_password",
    "set_quota",
    "sign_out_everywhere",
    "update_user",
    "use_link",
    "verify_email",
    "why_person_stays",
    "withdraw_invitation",
]
