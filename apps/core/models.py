"""Long work as rows: who asked, how far it is, what came out, and whether its worker is still alive."""

import uuid
from pathlib import PurePath

from django.conf import settings
from django.db import models

from apps.core.owners import OfTeam, of_person_or_team
from apps.core.webhooks.models import Delivery, Webhook

__all__ = ["Delivery", "Job", "OfTeam", "Quota", "Upload", "Webhook", "Work", "of_person_or_team"]


def upload_path(job, filename):
    """A name of its own for every uploaded file."""
    return f"jobs/in/{uuid.uuid4().hex}{PurePath(filename).suffix.lower()[:10]}"


def result_path(job, filename):
    """A name of its own for every file that a job makes."""
    return f"jobs/out/{uuid.uuid4().hex}{PurePath(filename).suffix.lower()[:10]}"


class Work(models.Model):
    """The base of every row that a worker works on. Its state moves only through `apps.core.work`."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        PAUSED = "paused"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELLED = "cancelled"

    ACTIVE = (Status.PENDING, Status.RUNNING)
    ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)  # one that is paused is neither

    status = models.CharField(max_length=12, choices=Status.choices, default=Status.PENDING, db_index=True)
    error_message = models.TextField(blank=True, help_text="What went wrong, in words, and what to do.")
    traceback = models.TextField(blank=True, help_text="For the operator.")
    attempts = models.PositiveIntegerField(default=0)
    run_token = models.CharField(max_length=32, blank=True, editable=False)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    enqueued_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def kind_name(self):
        """What kind of work it is, for the metrics."""
        return self._meta.model_name

    @property
    def is_active(self):
        return self.status in self.ACTIVE

    @property
    def has_ended(self):
        return self.status in self.ENDED


class Job(Work, OfTeam):
    """A piece of long work other than training: an import, an export, a deployment."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, of_person_or_team, related_name="jobs", help_text="Who asked for it."
    )
    kind = models.CharField(max_length=40)
    task = models.CharField(max_length=120, help_text="The Celery task that does it.")
    subject = models.CharField(max_length=60, blank=True, help_text='What it is about, as "dataset:12".')
    params = models.JSONField(default=dict, blank=True)
    progress = models.FloatField(default=0, help_text="0 to 1")
    message = models.CharField(max_length=300, blank=True)
    result = models.JSONField(default=dict, blank=True)
    upload = models.FileField(upload_to=upload_path, max_length=200, blank=True)
    file = models.FileField(upload_to=result_path, max_length=200, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="When its files go.")

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["subject", "-id"]),
            models.Index(fields=["owner", "-id"]),
            models.Index(fields=["team", "-id"]),
        ]

    def __str__(self):
        return f"{self.kind} {self.pk}"

    @property
    def kind_name(self):
        return self.kind

    @property
    def percent(self):
        return round(self.progress * 100)


class Quota(models.Model):
    """What a person or a team may have, where that is something else than the settings say. 0: no limit."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    team = models.OneToOneField("accounts.Team", models.CASCADE, null=True, blank=True, related_name="+")
    storage_mb = models.PositiveIntegerField(
        "storage, MB", null=True, blank=True, help_text="Empty: as the settings say. 0: no limit."
    )
    trainings_at_once = models.PositiveIntegerField(
        null=True, blank=True, help_text="Empty: as the settings say. 0: no limit."
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(person=None, team__isnull=False) | models.Q(person__isnull=False, team=None),
                name="a_quota_is_a_persons_or_a_teams",
                violation_error_message="Choose a person or a team, one of them.",
            )
        ]

    def __str__(self):
        return f"quota of {self.person or self.team}"


class Upload(models.Model):
    """An archive on its way in, piece by piece (tus 1.0).

    How far it is, the size of its file on the disk says; `offset` is what was last noted of it. Where the store is
    elsewhere, `offset` says it, and `pieces` name what lies in the store; with `multipart` the bytes go straight to the
    store, which knows how far it is. `file` is set when all of it is there.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    filename = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(help_text="Bytes, as announced.")
    offset = models.PositiveBigIntegerField(default=0, help_text="Bytes that are here, as last noted.")
    pieces = models.JSONField(default=list, blank=True, editable=False, help_text="[[name in the store, bytes], …]")
    multipart = models.CharField(
        max_length=1024, blank=True, default="", db_default="", editable=False,
        help_text="The store's name for the parts that go straight there.",
    )  # fmt: skip
    file = models.FileField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self):
        return f"upload of {self.filename}"

    @property
    def is_complete(self) -> bool:
        return bool(self.file)


class AuditEventQuerySet(models.QuerySet):
    """Events are added and read; `audit.forget_before` is the only way out."""

    def update(self, **values):
        raise TypeError("An audit event is never changed.")

    def delete(self):
        raise TypeError("An audit event is never deleted by hand.")


class AuditEvent(models.Model):
    """Who did what to what, and when. Names are kept as they were: the person and the thing may be gone since."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    actor_id = models.BigIntegerField(null=True, blank=True, help_text="The person's id; empty for nobody.")
    actor_name = models.CharField(max_length=150, blank=True)
    verb = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60, blank=True, help_text='As "datasets.dataset".')
    subject_id = models.CharField(max_length=40, blank=True)
    subject_name = models.CharField(max_length=200, blank=True)
    team_id = models.BigIntegerField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    token_id = models.BigIntegerField(null=True, blank=True, help_text="The API token that was used.")
    detail = models.JSONField(default=dict, blank=True)

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["actor_id", "-id"]),
            models.Index(fields=["team_id", "-id"]),
            models.Index(fields=["verb", "-id"]),
            models.Index(fields=["subject_type", "subject_id", "-id"]),
        ]

    def __str__(self):
        return f"{self.actor_name or 'nobody'} {self.verb} {self.subject_name}".strip()

    def save(self, *args, **kwargs):
        if self.pk:
            raise TypeError("An audit event is never changed.")
        super().save(*args, **kwargs)

    def delete(self, *args, **kwargs):
        raise TypeError("An audit event is never deleted by hand.")
