from django.contrib import admin

from apps.models.models import ConfirmedLabels, Evaluation, TrainedModel


@admin.register(TrainedModel)
class TrainedModelAdmin(admin.ModelAdmin):
    list_display = ["name", "owner", "model_type", "img_size", "num_classes", "is_public", "is_deployed", "created_at"]
    list_filter = ["model_type", "is_public", "is_deployed", "created_at"]
    search_fields = ["name", "description", "owner__username", "sha256"]
    raw_id_fields = ["owner", "dataset_version"]
    readonly_fields = ["sha256", "num_bytes", "training_id", "created_at", "updated_at", "deployed_at"]
    list_select_related = ["owner"]

    def has_add_permission(self, request):
        return False  # weights come from a training, not by hand


@admin.register(Evaluation)
class EvaluationAdmin(admin.ModelAdmin):
    list_display = ["model", "dataset_version", "split", "evaluated_at"]
    list_filter = ["split", "evaluated_at"]
    search_fields = ["model__name", "dataset_version__dataset__name"]
    raw_id_fields = ["model", "dataset_version", "job"]
    readonly_fields = ["weights_sha256", "results", "images", "evaluated_at", "created_at"]
    exclude = ["curves"]
    list_select_related = ["model", "dataset_version__dataset"]

    def has_add_permission(self, request):
        return False  # a model's page measures it


@admin.register(ConfirmedLabels)
class ConfirmedLabelsAdmin(admin.ModelAdmin):
    list_display = ["image", "revision", "confirmed_by", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["image__filename", "confirmed_by__username"]
    raw_id_fields = ["image", "confirmed_by"]
    list_select_related = ["image", "confirmed_by"]
