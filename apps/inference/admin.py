from django.contrib import admin

from apps.inference import services
from apps.inference.models import BatchAnswer, Deployment, Switch


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


@admin.register(Deployment)
class DeploymentAdmin(admin.ModelAdmin):
    list_display = ["name", "owner", "model", "previous", "is_active", "is_public", "updated_at"]
    list_filter = ["is_active", "is_public", "created_at"]
    search_fields = ["name", "description", "owner__username", "model__line__name"]
    raw_id_fields = ["gate_version"]
    readonly_fields = ["owner", "model", "previous", "shadow", "created_at", "updated_at"]
    list_select_related = ["owner", "model__line", "previous__line"]

    def has_add_permission(self, request):
        return False  # its page makes it: a model is built and proven before it answers

    def delete_model(self, request, obj):
        services.delete_deployment(obj)

    def delete_queryset(self, request, queryset):
        for row in queryset:
            services.delete_deployment(row)


@admin.register(Switch)
class SwitchAdmin(admin.ModelAdmin):
    list_display = ["deployment", "old", "new", "state", "by", "is_return", "created_at", "switched_at"]
    list_filter = ["state", "is_return", "created_at"]
    search_fields = ["deployment__name", "by__username", "reason", "overruled"]
    list_select_related = ["deployment", "old__line", "new__line", "by"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False  # history
