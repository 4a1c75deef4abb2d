from django.contrib import admin

from apps.core.models import Job, Upload


class ReadOnlyAdmin(admin.ModelAdmin):
    """Of what only the platform writes: looked at and deleted by hand, never made or changed."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "owner", "status", "progress", "message", "attempts", "heartbeat_at", "created_at"]
    list_filter = ["status", "kind", "created_at"]
    search_fields = ["kind", "owner__username", "subject", "error_message"]
    raw_id_fields = ["owner"]
    list_select_related = ["owner"]


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ["id", "filename", "owner", "size", "offset", "created_at", "expires_at"]
    list_filter = ["created_at", "expires_at"]
    search_fields = ["filename", "owner__username"]
    raw_id_fields = ["owner"]
    list_select_related = ["owner"]
