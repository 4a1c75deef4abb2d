"""Deployments: a stable name that programs call, in front of the version of a model that answers for it now."""

import copy

from django.conf import settings
from django.db import models

from apps.annotations.models import DatasetVersion
from apps.core.models import Job, OfTeam, of_person_or_team
from apps.models.models import ServingBuild, TrainedModel


class Deployment(OfTeam):
    """A name that programs call. `model` answers; `previous` did before the last switch, and one click goes back."""

    SPLITS = (("val", "validation"), ("test", "test"))

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, of_person_or_team, related_name="deployments")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=5000)
    model = models.ForeignKey(
        TrainedModel, models.SET_NULL, null=True, blank=True, related_name="deployments", help_text="It answers."
    )
    previous = models.ForeignKey(TrainedModel, models.SET_NULL, null=True, blank=True, related_name="+")
    build = models.ForeignKey(
        ServingBuild, models.SET_NULL, null=True, blank=True, related_name="+",
        help_text="How its owner wants the model served; nothing: as the model itself was built.",
    )  # fmt: skip
    previous_build = models.ForeignKey(ServingBuild, models.SET_NULL, null=True, blank=True, related_name="+")
    is_active = models.BooleanField(default=True, help_text="Whether it answers at all.")
    is_public = models.BooleanField(default=False)
    defaults = models.JSONField(
        default=dict, blank=True, help_text="Of what a call leaves out: conf, per_class, iou, max_det, classes."
    )
    gate_version = models.ForeignKey(
        DatasetVersion, models.SET_NULL, null=True, blank=True, related_name="+",
        help_text="The frozen images that a new version of the model is judged on.",
    )  # fmt: skip
    gate_split = models.CharField(max_length=5, choices=SPLITS, default="val")
    max_fall = models.FloatField(default=0.01, help_text="How much lower its mAP50-95 may be.")
    shadow = models.ForeignKey(
        TrainedModel, models.SET_NULL, null=True, blank=True, related_name="+",
        help_text="A candidate that answers a share of the questions too; nobody sees its answers but the charts.",
    )  # fmt: skip
    shadow_share = models.FloatField(default=0.1, help_text="0..1 of the questions.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["team", "-id"]), models.Index(fields=["is_public", "-id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"], condition=models.Q(team=None), name="a_person_names_a_deployment_once"
            ),
            models.UniqueConstraint(fields=["team", "name"], name="a_team_names_a_deployment_once"),
        ]

    def __str__(self):
        return self.name

    @property
    def served(self):
        """The model that answers, with the files that serve it here; None where nothing does."""
        return as_built(self.model, self.build)

    @property
    def answers(self):
        return self.is_active and self.model_id is not None

    @property
    def why_silent(self):
        """Why it answers nothing now, and what to do; empty where it does."""
        if self.model_id is None:
            return f"Nothing answers for “{self.name}” yet: bring a model behind it."
        return "" if self.is_active else f"“{self.name}” is paused: let it answer again on its page."


def as_built(model, build):
    """`model` as it is served by `build` (None: by its own files): another object, never to be saved."""
    if model is None or build is None:
        return model
    served = copy.copy(model)
    served.serving_file, served.serving, served.img_size = build.file.name, build.serving, build.img_size
    return served


class Switch(models.Model):
    """One change of the model behind a deployment: what the gate said, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", "being built and judged"
        DONE = "done", "switched"
        BLOCKED = "blocked", "blocked by the gate"
        FAILED = "failed"

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="switches")
    old = models.ForeignKey(TrainedModel, models.SET_NULL, null=True, blank=True, related_name="+")
    new = models.ForeignKey(TrainedModel, models.SET_NULL, null=True, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    old_build = models.ForeignKey(ServingBuild, models.SET_NULL, null=True, blank=True, related_name="+")
    new_build = models.ForeignKey(ServingBuild, models.SET_NULL, null=True, blank=True, related_name="+")
    choice = models.JSONField(
        default=dict, blank=True, help_text="How the new one is to be served: runtime, precision, img_size."
    )
    is_final = models.BooleanField(default=False, help_text="No reason overrules what the gate said.")
    is_return = models.BooleanField(default=False, help_text="Back to the model before; no gate then.")
    judgement = models.JSONField(default=dict, blank=True, help_text="What the gate measured of both models.")
    reason = models.CharField(max_length=400, blank=True, help_text="Why the gate blocked, or the switch failed.")
    overruled = models.CharField(max_length=400, blank=True, help_text="Why its owner switched nevertheless.")
    created_at = models.DateTimeField(auto_now_add=True)
    switched_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "switches"
        ordering = ["-pk"]

    def __str__(self):
        return f"switch {self.pk} of {self.deployment_id}"

    @property
    def is_running(self):
        return self.state == self.State.WAITING and self.job is not None and self.job.is_active

    @property
    def way(self):
        """How the new one was to be served, in words; empty for as it is built."""
        if not self.choice:
            return self.new_build.way if self.new_build else ""
        size = self.choice["img_size"] or (self.new.img_size if self.new else 0)
        return ServingBuild(**self.choice | {"img_size": size}).way

    @property
    def may_be_overruled(self):
        return self.outcome == self.State.BLOCKED and not self.is_final and self.new_id is not None

    @property
    def outcome(self):
        """Its state; one whose job ended without saying more (cancelled, or its worker died) has failed."""
        if self.state == self.State.WAITING and not self.is_running:
            return self.State.FAILED
        return self.state

    @property
    def words(self):
        """Why it was blocked or failed, or nothing."""
        if self.reason or self.outcome != self.State.FAILED:
            return self.reason
        return "It was cancelled." if self.job is None or self.job.status == "cancelled" else self.job.error_message
