from django.contrib import admin, messages

from apps.core.admin import DeletedByService, ReadOnlyAdmin
from apps.inference import services
from apps.inference.models import (
    BatchAnswer,
    BatchVideo,
    Capture,
    Captured,
    CaptureWaiting,
    Deployment,
    ShadowSample,
    ShadowTraffic,
    Switch,
    TokenUsage,
    Track,
    Traffic,
)


@admin.register(BatchAnswer)
class BatchAnswerAdmin(ReadOnlyAdmin):
    list_display = ["job", "number", "name", "objects_found", "error"]
    list_filter = ["job__status", "job__created_at"]
    search_fields = ["name", "error", "job__owner__username"]
    raw_id_fields = ["job"]
    list_select_related = ["job"]


@admin.register(BatchVideo)
class BatchVideoAdmin(ReadOnlyAdmin):
    list_display = ["job", "codec", "width", "height", "frame_rate", "seconds", "num_frames"]
    list_filter = ["codec", "job__status", "job__created_at"]
    search_fields = ["codec", "job__owner__username"]
    raw_id_fields = ["job"]
    list_select_related = ["job"]


@admin.register(Track)
class TrackAdmin(ReadOnlyAdmin):
    list_display = ["job", "number", "class_name", "first_seconds", "last_seconds", "frames", "confidence"]
    list_filter = ["job__status", "job__created_at"]
    search_fields = ["class_name", "job__owner__username"]
    raw_id_fields = ["job"]
    list_select_related = ["job"]


@admin.register(Deployment)
class DeploymentAdmin(DeletedByService):
    """Its notes and who sees it are the operator's to change; what answers, and how, its page changes."""

    list_display = ["name", "owner", "team", "model", "previous", "is_active", "is_public", "updated_at"]
    list_filter = ["is_active", "is_public", "created_at"]
    search_fields = ["name", "description", "owner__username", "model__line__name"]
    readonly_fields = [
        "owner", "team", "name", "model", "previous", "defaults", "gate_version", "gate_split", "max_fall", "shadow",
        "shadow_share", "created_at", "updated_at",
    ]  # fmt: skip
    list_select_related = ["owner", "team", "model__line", "previous__line"]

    def has_add_permission(self, request):
        return False  # its page makes it: a model is built and proven before it answers

    def save_model(self, request, obj, form, change):
        values = {name: form.cleaned_data[name] for name in form.changed_data}
        try:
            services.update_deployment(obj, request.user, **values)
        except services.DeploymentRefused as refused:
            self.message_user(request, f"Nothing was changed. {refused}", messages.ERROR)

    def delete_by_service(self, request, obj):
        services.delete_deployment(obj, request.user)


@admin.register(Switch)
class SwitchAdmin(ReadOnlyAdmin):
    list_display = ["deployment", "old", "new", "state", "by", "is_return", "created_at", "switched_at"]
    list_filter = ["state", "is_return", "created_at"]
    search_fields = ["deployment__name", "by__username", "reason", "overruled"]
    list_select_related = ["deployment", "old__line", "new__line", "by"]


@admin.register(Traffic)
class TrafficAdmin(ReadOnlyAdmin):
    list_display = ["start", "step", "deployment", "model", "requests", "errors"]
    list_filter = ["step", "start", ("deployment", admin.EmptyFieldListFilter)]
    search_fields = ["deployment__name", "model__line__name"]
    list_select_related = ["deployment", "model__line"]
    date_hierarchy = "start"
    show_full_result_count = False


@admin.register(TokenUsage)
class TokenUsageAdmin(ReadOnlyAdmin):
    list_display = ["day", "user", "token_name", "quota", "requests", "errors", "refused"]
    list_filter = ["day", ("token", admin.EmptyFieldListFilter)]
    search_fields = ["token_name", "user__username", "user__email"]
    list_select_related = ["user", "token"]
    date_hierarchy = "day"

    @admin.display(description="quota today")
    def quota(self, usage):
        return usage.token and usage.token.requests_per_day


@admin.register(Capture)
class CaptureAdmin(ReadOnlyAdmin):
    list_display = ["deployment", "dataset", "user", "is_on", "mode", "max_images", "max_bytes", "keep_days", "stopped"]
    list_filter = ["is_on", "mode", "created_at"]
    search_fields = ["deployment__name", "dataset__name", "user__username"]
    list_select_related = ["deployment", "dataset", "user"]


@admin.register(Captured)
class CapturedAdmin(ReadOnlyAdmin):
    list_display = ["image", "capture", "model", "reason", "created_at", "expires_at"]
    list_filter = ["reason", "created_at", "expires_at"]
    search_fields = ["image__filename", "image__sha256", "capture__deployment__name"]
    list_select_related = ["image", "capture", "model__line"]


@admin.register(CaptureWaiting)
class CaptureWaitingAdmin(ReadOnlyAdmin):
    list_display = ["pk", "capture", "model", "reason", "num_bytes", "created_at"]
    list_filter = ["reason", "created_at"]
    search_fields = ["sha256", "capture__deployment__name"]
    list_select_related = ["capture", "model__line"]

    def has_delete_permission(self, request, obj=None):
        return False  # it is what knows of the file


@admin.register(ShadowTraffic)
class ShadowTrafficAdmin(ReadOnlyAdmin):
    list_display = ["deployment", "live", "shadow", "start", "answered", "skipped", "failed"]
    list_filter = ["start"]
    search_fields = ["deployment__name"]
    list_select_related = ["deployment", "live__line", "shadow__line"]


@admin.register(ShadowSample)
class ShadowSampleAdmin(ReadOnlyAdmin):
    list_display = ["deployment", "live", "shadow", "sha256", "weight", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["deployment__name", "sha256"]
    list_select_related = ["deployment", "live__line", "shadow__line"]
