"""People, their API tokens, and links that are good once."""

import hashlib
import secrets

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

TOKEN_PREFIX = "yt_"  # noqa: S105 — how a token starts, so that people and scanners know it
MOST_PER_DAY = 1_000_000_000  # what all databases can count to
SCOPES = {
    "read": "read datasets, models and jobs",
    "infer": "ask deployed models",
    "write": "change everything that you may change",
}


class User(AbstractUser):
    """A person; username and email are both unique, whatever their case, and either signs in."""

    first_name = last_name = None
    email = models.EmailField(unique=True)
    keymap = models.JSONField(
        default=dict, blank=True, help_text="Keys of the labelling workspace that differ from the defaults."
    )
    must_verify_email = models.BooleanField(
        "email not verified", default=False,
        help_text="Set where mail is sent, until the link in it is followed: this person may look, and change nothing.",
    )  # fmt: skip
    sign_in_generation = models.PositiveIntegerField(
        default=0, editable=False, help_text="Sessions and JWTs of an earlier generation are good no more."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    REQUIRED_FIELDS = ["email"]

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(Lower("username"), name="username_unique_any_case"),
            models.UniqueConstraint(Lower("email"), name="email_unique_any_case"),
        ]

    def get_full_name(self):
        return self.username

    def get_short_name(self):
        return self.username

    @property
    def may_only_look(self):
        """Where the platform sends mail, whoever has not verified their address changes nothing yet."""
        return self.must_verify_email and settings.MAIL_IS_SENT

    def _get_session_auth_hash(self, secret=None):
        """What a session must hold to go on: it ends with the password, and with the generation."""
        kept = f"{self.password}{self.sign_in_generation or ''}"
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"  # Django's: older sessions go on
        return salted_hmac(salt, kept, secret=secret, algorithm="sha256").hexdigest()


def find_person(name):
    """The person with this username or email, whatever its case, or None."""
    field = "email__iexact" if "@" in name else "username__iexact"
    return User.objects.filter(**{field: name}).first() if name else None


def hash_token(key):
    """SHA-256 of a token: 256 random bits need no slow hash, and a look-up must be one index access."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiToken(models.Model):
    """A named key for a machine. The key itself is shown once; only its hash is stored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=12, help_text="The first characters of the key.", editable=False)
    scope = models.CharField(max_length=40, default="read infer", help_text="Of: read infer write.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    requests_per_day = models.PositiveIntegerField(
        "predictions a day", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MOST_PER_DAY)],
        help_text="How often it may ask models on one day (UTC). Empty: as often as it likes.",
    )  # fmt: skip

    class Meta:
        verbose_name = "API token"
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.name} ({self.hint}…)"

    @staticmethod
    def new_key():
        """A fresh key with 256 bits of chance."""
        return TOKEN_PREFIX + secrets.token_urlsafe(32)

    @property
    def is_expired(self):
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def scopes(self):
        return self.scope.split()


class OneTimeLink(models.Model):
    """A link that is good once and until it ends: an invitation. Its key is shown once; only its hash is stored."""

    purpose = models.CharField(max_length=30, help_text='What it is good for: "registration", "team".')
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    email = models.EmailField(blank=True, help_text="Whom it was sent to; empty: whoever holds it.")
    data = models.JSONField(default=dict, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="links_made")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        verbose_name = "one-time link"
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.purpose} link {self.pk}" + (f" for {self.email}" if self.email else "")

    @staticmethod
    def new_key():
        """A fresh key with 256 bits of chance."""
        return secrets.token_urlsafe(32)

    @property
    def is_good(self):
        return not (self.used_at or self.revoked_at) and self.expires_at > timezone.now()


class BrowserSession(models.Model):
    """A browser in which a person is signed in, beside Django's own session, whose text cannot be searched."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="browser_sessions")
    session_key = models.CharField(max_length=40, unique=True, editable=False)
    address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_seen_at", "-pk"]

    def __str__(self):
        return f"session {self.pk}"


from apps.accounts.teams.models import Membership, Role, Team, TeamInvitation  # noqa: E402, F401 (Django looks for models here)
