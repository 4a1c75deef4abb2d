from django.contrib import admin

from apps.core import audit
from apps.core.admin import DeletedByService, ReadOnlyAdmin, RecordedAdmin
from apps.models import services
from apps.models.models import ConfirmedLabels, Evaluation, ModelExport, ModelLine, ModelTag, ServingBuild, TrainedModel


class TagInline(admin.TabularInline):
    model = ModelTag
    extra = 0


@admin.register(ModelLine)
class ModelLineAdmin(DeletedByService):
    refusals = (services.DeleteRefused,)
    list_display = ["name", "owner", "team", "versions_made", "created_at"]
    search_fields = ["name", "owner__username"]
    readonly_fields = ["owner", "team", "versions_made", "created_at"]
    list_select_related = ["owner", "team"]

    def has_add_permission(self, request):
        return False  # a line comes with its first version

    def delete_by_service(self, request, obj):
        for version in obj.versions.all():  # it goes with its last version
            services.delete_model(version, request.user)
        services.drop_empty_line(obj)

    def along(self, obj):
        return [str(version) for version in obj.versions.all()]


@admin.register(TrainedModel)
class TrainedModelAdmin(DeletedByService):
    """Notes, licence, tags and who sees it may be changed; what describes the weights is as they are."""

    refusals = (services.DeleteRefused,)

    list_display = [
        "title", "owner", "team", "stage", "origin", "model_type", "img_size", "num_classes", "is_public",
        "is_deployed", "created_at",
    ]  # fmt: skip
    list_filter = ["stage", "origin", "format", "model_type", "is_public", "is_deployed", "created_at"]
    search_fields = ["line__name", "description", "owner__username", "sha256", "tags__name"]
    fields = [
        "owner", "team", "line", "number", "stage", "description", "licence", "is_public", "is_deployed",
        "deployed_at", "task",
        "model_type", "img_size", "num_classes", "class_names", "origin", "format", "file", "num_bytes", "sha256",
        "serving_file", "serving", "operating_point", "card", "dataset_version", "training_id", "upload_job", "parent",
        "created_at", "updated_at",
    ]  # fmt: skip
    readonly_fields = [name for name in fields if name not in ("description", "licence", "is_public")]
    list_select_related = ["owner", "team", "line"]
    inlines = [TagInline]

    def has_add_permission(self, request):
        return False  # weights come from a training or an upload, not by hand

    def save_model(self, request, obj, form, change):
        services.update_model(obj, request.user, **{name: form.cleaned_data[name] for name in form.changed_data})

    def save_formset(self, request, form, formset, change):
        """The tags."""
        names = [self._tags(form.instance)]
        super().save_formset(request, form, formset, change)
        names.append(self._tags(form.instance))
        if names[0] != names[1]:
            audit.record_changes(request.user, form.instance, {"tags": names}, form.instance.team_id)

    @staticmethod
    def _tags(model):
        return sorted(ModelTag.objects.filter(model=model).values_list("name", flat=True))

    def delete_by_service(self, request, obj):
        services.delete_model(obj, request.user)


@admin.register(Evaluation)
class EvaluationAdmin(DeletedByService, ReadOnlyAdmin):
    list_display = ["model", "dataset_version", "split", "evaluated_at"]
    list_filter = ["split", "evaluated_at"]
    search_fields = ["model__line__name", "dataset_version__dataset__name"]
    exclude = ["curves"]
    list_select_related = ["model__line", "dataset_version__dataset"]

    def delete_by_service(self, request, obj):
        services.delete_evaluation(obj, request.user)


@admin.register(ModelTag)
class ModelTagAdmin(RecordedAdmin):
    list_display = ["name", "model"]
    list_filter = ["model__stage"]
    search_fields = ["name", "model__line__name"]
    raw_id_fields = ["model"]
    list_select_related = ["model__line"]


@admin.register(ModelExport)
class ModelExportAdmin(DeletedByService, ReadOnlyAdmin):
    list_display = ["model", "format", "precision", "img_size", "verdict", "num_bytes", "exported_at"]
    list_filter = ["format", "precision", "verdict", "exported_at"]
    search_fields = ["model__line__name", "sha256"]
    list_select_related = ["model__line"]

    def delete_by_service(self, request, obj):
        services.delete_export(obj, request.user)


@admin.register(ConfirmedLabels)
class ConfirmedLabelsAdmin(ReadOnlyAdmin):
    list_display = ["image", "revision", "confirmed_by", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["image__filename", "confirmed_by__username"]
    list_select_related = ["image", "confirmed_by"]


@admin.register(ServingBuild)
class ServingBuildAdmin(ReadOnlyAdmin):
    list_display = ["model", "runtime", "precision", "img_size", "created_at"]
    list_filter = ["runtime", "precision", "created_at"]
    search_fields = ["model__line__name"]
    list_select_related = ["model__line"]

    def has_delete_permission(self, request, obj=None):
        return False
