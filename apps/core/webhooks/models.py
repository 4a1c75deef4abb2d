"""Webhooks and what was sent to them."""

import secrets
import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.core.owners import of_person_or_team

SECRET_PREFIX = "whsec_"  # noqa: S105 (how a secret starts, so that people and scanners know it)


def new_secret():
    """A fresh signing secret with 256 bits of chance."""
    return SECRET_PREFIX + secrets.token_urlsafe(32)


class Webhook(models.Model):
    """An address that is told what happens to what is a person's own, or with `team` to what is the team's."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, of_person_or_team, related_name="webhooks", help_text="Who made it."
    )
    team = models.ForeignKey(
        "accounts.Team", models.CASCADE, null=True, blank=True, related_name="webhooks",
        help_text="Whose it is; empty: it is its owner's own.",
    )  # fmt: skip
    url = models.CharField("address", max_length=500)
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(default=list)
    secret = models.CharField(max_length=80, default=new_secret, editable=False)
    is_active = models.BooleanField("active", default=True)
    failures = models.PositiveIntegerField(default=0, help_text="Attempts in a row that failed.")
    failing_since = models.DateTimeField(null=True, blank=True)
    disabled_because = models.CharField(max_length=300, blank=True, help_text="Why the platform switched it off.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return self.description or self.host

    @property
    def host(self):
        """Whose server is told: the rest of an address may be a secret of its own."""
        return urlsplit(self.url).hostname or ""


class Delivery(models.Model):
    """One event on its way to one webhook: the outbox, and the log.

    Its id is the same in every attempt, also where it is sent again by hand. While an attempt is made, `due_at` is when
    its claim ends; between attempts `enqueued_at` is empty.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        DELIVERED = "delivered"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=40)
    body = models.TextField(help_text="Exactly what is sent.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    due_at = models.DateTimeField(null=True, blank=True, help_text="The next attempt, not before.")
    enqueued_at = models.DateTimeField(null=True, blank=True)
    attempts = models.JSONField(default=list, help_text="Each: at, status or error, seconds, answered.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="Attempts since it was written or sent again.")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "pk"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["webhook", "-created_at"]),
            models.Index(fields=["due_at"], condition=Q(status="pending"), name="deliveries_to_send"),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self):
        return f"{self.event} {self.pk}"

    @property
    def last(self):
        """The newest attempt, or None."""
        return self.attempts[-1] if self.attempts else None
