from django.contrib import admin

from apps.core.models import AuditEvent, Job, Upload


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


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Search takes names, verbs, addresses and ids: "alice deleted", "10.0.0.7", "datasets.dataset"."""

    list_display = ["at", "actor_name", "verb", "subject_type", "subject_name", "team_id", "address", "token_id"]
    list_display_links = ["at", "verb"]
    list_filter = ["at", "verb", "subject_type"]
    search_fields = ["actor_name", "verb", "subject_type", "subject_name", "=subject_id", "address"]
    search_help_text = "Words of a person's name, of what was done, of what it was done to, or an address."
    date_hierarchy = "at"
    show_full_result_count = False

    def has_delete_permission(self, request, obj=None):
        return False
