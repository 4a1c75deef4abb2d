"""What was asked, counted: of a deployment and a model by the minute, hour or day; of a token by the day."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.accounts.models import ApiToken
from apps.inference.models.deployments import Deployment
from apps.models.models import TrainedModel


class Traffic(models.Model):
    """What a model was asked in one minute, hour or day, through a deployment or (`deployment` empty) by its own id.

    Counts are added under the row's lock, so that no process loses those of another; what they hold says
    `monitoring/counts.py`. The keys are without constraints in the database: a count that comes after its deployment
    was deleted fails nobody's, and is swept later.
    """

    class Step(models.TextChoices):
        MINUTE = "minute"
        HOUR = "hour"
        DAY = "day"

    deployment = models.ForeignKey(
        Deployment, models.CASCADE, null=True, blank=True, related_name="traffic", db_constraint=False
    )
    model = models.ForeignKey(
        TrainedModel, models.SET_NULL, null=True, blank=True, related_name="traffic", db_constraint=False
    )
    step = models.CharField(max_length=6, choices=Step.choices)
    start = models.DateTimeField()
    requests = models.PositiveBigIntegerField(default=0)
    errors = models.PositiveBigIntegerField(default=0, help_text="Of the requests: answered with a status from 400.")
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["start", "pk"]
        verbose_name_plural = "traffic"
        indexes = [
            models.Index(fields=["deployment", "start"]),
            models.Index(fields=["model", "start"]),
            models.Index(fields=["step", "start"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["deployment", "model", "step", "start"], condition=Q(deployment__isnull=False),
                name="a_deployments_traffic_is_counted_once",
            ),
            models.UniqueConstraint(
                fields=["model", "step", "start"], condition=Q(deployment__isnull=True),
                name="a_models_traffic_is_counted_once",
            ),
        ]  # fmt: skip

    def __str__(self):
        return f"{self.requests} requests in the {self.step} from {self.start:%Y-%m-%d %H:%M}"


class TokenUsage(models.Model):
    """What was asked with a token on one day (UTC). It outlives the token: who revokes one keeps its history."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="token_usage", db_constraint=False)
    token = models.ForeignKey(
        ApiToken, models.SET_NULL, null=True, blank=True, related_name="usage", db_constraint=False
    )
    token_name = models.CharField(max_length=100)
    day = models.DateField()
    requests = models.PositiveBigIntegerField(default=0)
    errors = models.PositiveBigIntegerField(default=0, help_text="Answered with a status from 400, but for the quota.")
    refused = models.PositiveBigIntegerField(default=0, help_text="Refused because the quota of the day was used up.")

    class Meta:
        ordering = ["-day", "pk"]
        verbose_name_plural = "token usage"
        indexes = [models.Index(fields=["user", "day"])]
        constraints = [models.UniqueConstraint(fields=["token", "day"], name="a_tokens_day_is_counted_once")]

    def __str__(self):
        return f"{self.token_name} on {self.day}"

    @property
    def spent(self):
        """Requests that count against the quota."""
        return self.requests - self.refused
