"""Mail, and the sweep of ended sign-ins. Each task is given ids and makes its link itself: none lies in the queue."""

from smtplib import SMTPException

from celery import shared_task
from django.core.management import call_command

from apps.accounts import mail
from apps.accounts.models import OneTimeLink, TeamInvitation, User
from apps.accounts.proofs import email_proof, reset_parts

RETRIES = {
    "autoretry_for": (SMTPException, OSError), "max_retries": 6, "retry_backoff": 10, "retry_backoff_max": 1800,
    "ignore_result": True,
}  # fmt: skip


@shared_task(**RETRIES)
def send_email_proof(user_id, site):
    """The link that proves an address."""
    user = User.objects.filter(pk=user_id, is_active=True, must_verify_email=True).first()
    if user:
        mail.send("email_proof", user.email, user=user, site=site, proof=email_proof(user))


@shared_task(**RETRIES)
def send_email_changed(user_id, former):
    """Word to an account's former address that it has a new one."""
    user = User.objects.filter(pk=user_id).first()
    if user:
        mail.send("email_changed", former, user=user)


@shared_task(**RETRIES)
def send_password_reset(user_id, site):
    """The link to the page that sets a new password."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user:
        uid, token = reset_parts(user)
        mail.send("password_reset", user.email, user=user, site=site, uid=uid, token=token)


@shared_task(**RETRIES)
def send_password_changed(user_id):
    """Word that the password has changed, so that it is known where somebody else did it."""
    user = User.objects.filter(pk=user_id).first()
    if user:
        mail.send("password_changed", user.email, user=user)


@shared_task(**RETRIES)
def send_invitation(link_id, site):
    """An invitation, with a key made for this mail."""
    from apps.accounts.services.links import LinkRefused, renew_key

    link = OneTimeLink.objects.filter(pk=link_id).select_related("made_by").first()
    if link is None:
        return
    try:
        key = renew_key(link)
    except LinkRefused:
        return  # withdrawn before it was sent
    mail.send("invitation", link.email, link=link, site=site, key=key)


@shared_task(**RETRIES)
def send_team_invitation(invitation_id, site):
    """An invitation to a team, with a key made for this mail."""
    from apps.accounts.services.links import LinkRefused, renew_key

    row = TeamInvitation.objects.filter(pk=invitation_id).select_related("team", "link__made_by").first()
    if row is None:
        return
    try:
        key = renew_key(row.link)
    except LinkRefused:
        return  # withdrawn before it was sent
    mail.send("team_invitation", row.link.email, row=row, site=site, key=key)


@shared_task(ignore_result=True)
def forget_ended_sign_ins():
    """Delete refresh tokens whose time is over, and rows of browsers whose sessions are (retention deletes those)."""
    from apps.accounts.services.browsers import forget_ended_sessions

    forget_ended_sessions()
    call_command("flushexpiredtokens")
