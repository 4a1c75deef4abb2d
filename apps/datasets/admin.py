from django.contrib import admin

from apps.datasets import services
from apps.datasets.models import ClassChange, Dataset, DatasetImage, DatasetReport, PendingDeletion, Tag


@admin.register(Dataset)
class DatasetAdmin(admin.ModelAdmin):
    list_display = ["name", "owner", "task", "num_images", "num_labeled", "num_classes", "is_public", "updated_at"]
    list_filter = ["task", "is_public", "is_sample", "created_at"]
    search_fields = ["name", "description", "owner__username"]
    raw_id_fields = ["owner"]
    readonly_fields = ["num_images", "num_labeled", "num_classes", "created_at", "updated_at"]
    list_select_related = ["owner"]

    def delete_model(self, request, obj):
        services.delete_dataset(obj)

    def delete_queryset(self, request, queryset):
        for dataset in queryset:
            services.delete_dataset(dataset)


@admin.register(DatasetImage)
class DatasetImageAdmin(admin.ModelAdmin):
    list_display = ["filename", "dataset", "width", "height", "split", "state", "num_boxes", "revision", "created_at"]
    list_filter = ["split", "is_labeled", "state", "created_at"]
    search_fields = ["filename", "sha256", "dataset__name"]
    raw_id_fields = ["dataset"]
    readonly_fields = ["sha256", "width", "height", "orientation", "num_bytes", "revision", "created_at"]
    list_select_related = ["dataset"]
    show_full_result_count = False

    def delete_model(self, request, obj):
        services.delete_images(obj.dataset, DatasetImage.objects.filter(pk=obj.pk))

    def delete_queryset(self, request, queryset):
        for dataset in Dataset.objects.filter(pk__in=queryset.values("dataset")):
            services.delete_images(dataset, queryset.filter(dataset=dataset))

    def has_add_permission(self, request):
        return False  # an image comes in through its check, not by hand


@admin.register(PendingDeletion)
class PendingDeletionAdmin(admin.ModelAdmin):
    list_display = ["name", "created_at"]
    search_fields = ["name"]


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that the platform writes, to look at."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(ClassChange)
class ClassChangeAdmin(ReadOnlyAdmin):
    list_display = ["dataset", "action", "before", "after", "num_boxes", "user", "created_at"]
    list_filter = ["action", "created_at"]
    search_fields = ["dataset__name", "before", "after"]
    list_select_related = ["dataset", "user"]


@admin.register(DatasetReport)
class DatasetReportAdmin(ReadOnlyAdmin):
    list_display = ["dataset", "kind", "of", "seconds", "computed_at"]
    list_filter = ["kind"]
    search_fields = ["dataset__name"]
    list_select_related = ["dataset"]


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin):
    list_display = ["name", "dataset"]
    search_fields = ["name", "dataset__name"]
    raw_id_fields = ["dataset"]
    list_select_related = ["dataset"]
