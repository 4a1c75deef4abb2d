from django.contrib import admin

from apps.models import services
from apps.models.models import ConfirmedLabels, Evaluation, ModelExport, ModelLine, ModelTag, TrainedModel


class TagInline(admin.TabularInline):
    model = ModelTag
    extra = 0


@admin.register(ModelLine)
class ModelLineAdmin(admin.ModelAdmin):
    list_display = ["name", "owner", "versions_made", "created_at"]
    search_fields = ["name", "owner__username"]
    raw_id_fields = ["owner"]
    readonly_fields = ["versions_made", "created_at"]
    list_select_related = ["owner"]

    def has_add_permission(self, request):
        return False  # a line comes with its first version


@admin.register(TrainedModel)
class TrainedModelAdmin(admin.ModelAdmin):
    list_display = [
        "title", "owner", "stage", "origin", "model_type", "img_size", "num_classes", "is_public", "is_deployed",
        "created_at",
    ]  # fmt: skip
    list_filter = ["stage", "origin", "format", "model_type", "is_public", "is_deployed", "created_at"]
    search_fields = ["line__name", "description", "owner__username", "sha256", "tags__name"]
    raw_id_fields = ["owner", "dataset_version", "parent"]
    readonly_fields = [
        "line", "number", "stage", "is_deployed", "origin", "format", "file", "serving_file", "card", "upload_job",
        "sha256", "num_bytes", "training_id", "created_at", "updated_at", "deployed_at",
    ]  # fmt: skip
    list_select_related = ["owner", "line"]
    inlines = [TagInline]

    def has_add_permission(self, request):
        return False  # weights come from a training or an upload, not by hand


@admin.register(Evaluation)
class EvaluationAdmin(admin.ModelAdmin):
    list_display = ["model", "dataset_version", "split", "evaluated_at"]
    list_filter = ["split", "evaluated_at"]
    search_fields = ["model__line__name", "dataset_version__dataset__name"]
    raw_id_fields = ["model", "dataset_version", "job"]
    readonly_fields = ["weights_sha256", "results", "images", "evaluated_at", "created_at"]
    exclude = ["curves"]
    list_select_related = ["model__line", "dataset_version__dataset"]

    def has_add_permission(self, request):
        return False  # a model's page measures it


@admin.register(ModelTag)
class ModelTagAdmin(admin.ModelAdmin):
    list_display = ["name", "model"]
    list_filter = ["model__stage"]
    search_fields = ["name", "model__line__name"]
    raw_id_fields = ["model"]
    list_select_related = ["model__line"]


@admin.register(ModelExport)
class ModelExportAdmin(admin.ModelAdmin):
    list_display = ["model", "format", "precision", "img_size", "verdict", "num_bytes", "exported_at"]
    list_filter = ["format", "precision", "verdict", "exported_at"]
    search_fields = ["model__line__name", "sha256"]
    raw_id_fields = ["model", "job"]
    readonly_fields = ["file", "num_bytes", "sha256", "weights_sha256", "figures", "verdict", "reason", "exported_at"]
    list_select_related = ["model__line"]

    def has_add_permission(self, request):
        return False  # a model's page exports it

    def delete_model(self, request, obj):
        services.delete_export(obj)

    def delete_queryset(self, request, queryset):
        for row in queryset:
            services.delete_export(row)


@admin.register(ConfirmedLabels)
class ConfirmedLabelsAdmin(admin.ModelAdmin):
    list_display = ["image", "revision", "confirmed_by", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["image__filename", "confirmed_by__username"]
    raw_id_fields = ["image", "confirmed_by"]
    list_select_related = ["image", "confirmed_by"]
