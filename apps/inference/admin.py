from django.contrib import admin

from apps.inference.models import BatchAnswer


@admin.register(BatchAnswer)
class BatchAnswerAdmin(admin.ModelAdmin):
    list_display = ["job", "number", "name", "objects_found", "error"]
    list_filter = ["job__status", "job__created_at"]
    search_fields = ["name", "error", "job__owner__username"]
    raw_id_fields = ["job"]
    list_select_related = ["job"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
