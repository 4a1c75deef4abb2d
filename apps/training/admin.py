from django.contrib import admin, messages
from django.db import transaction
from django.urls import reverse
from django.utils.html import format_html

from apps.core import audit
from apps.core.admin import DeletedByService, ReadOnlyAdmin, preformatted
from apps.training import services
from apps.training.models import (
    Trainer,
    TrainingEpoch,
    TrainingJob,
    TrainingLogPiece,
    TrainingLook,
    TrainingPicture,
    TrainingUsage,
    TrainingWatch,
)
from apps.training.services.deleting import delete_training


@admin.register(TrainingJob)
class TrainingJobAdmin(DeletedByService, ReadOnlyAdmin):
    """Made by the training page or the API, which check it; its state moves only through the services."""

    list_display = [
        "name", "user", "dataset", "model_type", "status", "current_epoch", "epochs", "best_map", "attempts",
        "heartbeat_at", "created_at",
    ]  # fmt: skip
    list_filter = ["status", "model_type", "created_at"]
    search_fields = ["name", "user__username", "dataset__name", "error_message"]
    raw_id_fields = ["user", "dataset", "dataset_version", "model"]
    list_select_related = ["user", "dataset", "team"]
    readonly_fields = ["log", "shown_traceback"]
    exclude = ["traceback"]
    actions = ["pause", "resume", "cancel", "cancel_and_drop"]

    class Media:
        css = {"all": ["css/operator.css"]}

    @admin.action(description="Pause", permissions=["steer"])
    def pause(self, request, jobs):
        self._steer(request, jobs, "paused", services.pause_job)

    @admin.action(description="Resume or requeue (what is paused, failed or was cancelled)", permissions=["steer"])
    def resume(self, request, jobs):
        self._steer(request, jobs, "resumed", services.resume_job)

    @admin.action(description="Cancel, keep the best weights as models", permissions=["steer"])
    def cancel(self, request, jobs):
        self._steer(request, jobs, "cancelled", services.cancel_job)

    @admin.action(description="Cancel, keep no weights", permissions=["steer"])
    def cancel_and_drop(self, request, jobs):
        self._steer(request, jobs, "cancelled", lambda job: services.cancel_job(job, keep=False))

    def _steer(self, request, jobs, done, service):
        """Call `service` for each job, and say how many it was done to and why not to the others."""
        count = 0
        for job in jobs:
            try:
                with transaction.atomic():
                    if service(job):
                        audit.record(request.user, f"training {done}", job, job.team, owner=job.user.username)
                        count += 1
            except services.TrainingRefused as refused:
                messages.warning(request, f"{job}: {refused}")
        messages.info(request, f"{count} of {len(jobs)} {done}.")

    def has_steer_permission(self, request):
        return request.user.is_superuser

    def log(self, job):
        return format_html('<a href="{}">the whole log</a>', reverse("api:training_log_file", args=[job.pk]))

    @admin.display(description="traceback")
    def shown_traceback(self, job):
        return preformatted(job.traceback)

    def delete_by_service(self, request, obj):
        delete_training(obj, request.user)


class OfAJob(ReadOnlyAdmin):
    search_fields = ["job__name"]
    raw_id_fields = ["job"]
    list_select_related = ["job"]


@admin.register(TrainingEpoch)
class TrainingEpochAdmin(OfAJob):
    list_display = ["job", "epoch", "seconds", "created_at"]


@admin.register(TrainingLogPiece)
class TrainingLogPieceAdmin(OfAJob):
    list_display = ["job", "number"]


@admin.register(TrainingUsage)
class TrainingUsageAdmin(OfAJob):
    list_display = ["job", "at", "seconds"]


@admin.register(TrainingWatch, TrainingLook)
class TrainingLookAdmin(OfAJob):
    list_display = ["job", "__str__"]


@admin.register(TrainingPicture)
class TrainingPictureAdmin(OfAJob):
    list_display = ["job", "kind", "number", "epoch", "images"]
    list_filter = ["kind"]


@admin.register(Trainer)
class TrainerAdmin(ReadOnlyAdmin):
    list_display = ["name", "slots", "heartbeat_at", "started_at"]
    search_fields = ["name"]
