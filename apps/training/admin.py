from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from apps.training.models import Trainer, TrainingEpoch, TrainingJob


@admin.register(TrainingJob)
class TrainingJobAdmin(admin.ModelAdmin):
    list_display = [
        "name", "user", "dataset", "model_type", "status", "current_epoch", "epochs", "best_map", "attempts",
        "heartbeat_at", "created_at",
    ]  # fmt: skip
    list_filter = ["status", "model_type", "created_at"]
    search_fields = ["name", "user__username", "dataset__name", "error_message"]
    raw_id_fields = ["user", "dataset", "dataset_version", "model"]
    list_select_related = ["user", "dataset"]
    readonly_fields = ["log"]

    def log(self, job):
        return format_html('<a href="{}">the whole log</a>', reverse("api:training_log_file", args=[job.pk]))

    def has_add_permission(self, request):
        return False  # a job is made by the training page or the API, which check it

    def has_change_permission(self, request, obj=None):
        return False  # its state moves only through the services


@admin.register(TrainingEpoch)
class TrainingEpochAdmin(admin.ModelAdmin):
    list_display = ["job", "epoch", "seconds", "created_at"]
    search_fields = ["job__name"]
    raw_id_fields = ["job"]
    list_select_related = ["job"]


@admin.register(Trainer)
class TrainerAdmin(admin.ModelAdmin):
    list_display = ["name", "slots", "heartbeat_at", "started_at"]
    search_fields = ["name"]

    def has_add_permission(self, request):
        return False  # a trainer says itself that it is there

    def has_change_permission(self, request, obj=None):
        return False
