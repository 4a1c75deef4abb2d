from django.contrib import admin

from apps.models.models import TrainedModel


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
