from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html

from apps.core.admin import DeletedByService, ReadOnlyAdmin, RecordedAdmin
from apps.datasets import services
from apps.datasets.models import ClassChange, Dataset, DatasetImage, DatasetReport, ImageChange, PendingDeletion, Tag


@admin.register(Dataset)
class DatasetAdmin(DeletedByService):
    """Its name, notes and who sees it may be changed; it changes hands on its own page, with all that hangs on it."""

    list_display = [
        "name", "owner", "team", "task", "num_images", "num_labeled", "num_classes", "is_public", "updated_at",
    ]  # fmt: skip
    list_filter = ["task", "is_public", "is_sample", "created_at"]
    search_fields = ["name", "description", "owner__username"]
    fields = [
        "name", "description", "is_public", "handed_over", "owner", "team", "task", "class_names", "class_keys",
        "class_colors", "num_images", "num_labeled", "num_boxes", "num_trashed", "split_counts", "created_at",
        "updated_at",
    ]  # fmt: skip
    readonly_fields = [name for name in fields if name not in ("name", "description", "is_public")]
    list_select_related = ["owner", "team"]

    def has_add_permission(self, request):
        return False  # its page makes it

    def save_model(self, request, obj, form, change):
        services.update_dataset(obj, request.user, **{name: form.cleaned_data[name] for name in form.changed_data})

    @admin.display(description="whose it is")
    def handed_over(self, obj):
        address = reverse("datasets:dataset_transfer", args=[obj.pk])
        return format_html('<a href="{}">Transfer it, with its versions, jobs and trainings</a>', address)

    def delete_by_service(self, request, obj):
        services.delete_dataset(obj, request.user)

    def along(self, obj):
        return [f"{obj.num_images} images with {obj.num_boxes} labels, and {obj.num_trashed} in the trash"]


@admin.register(DatasetImage)
class DatasetImageAdmin(ReadOnlyAdmin):
    list_display = [
        "filename", "dataset", "width", "height", "split", "state", "num_boxes", "source", "group", "created_at",
        "deleted_at", "deleted_by",
    ]  # fmt: skip
    list_filter = [("deleted_at", admin.EmptyFieldListFilter), "split", "is_labeled", "state", "created_at"]
    search_fields = ["filename", "sha256", "dataset__name", "group"]
    exclude = ["signature"]
    actions = ["restore", "purge"]
    list_select_related = ["dataset", "deleted_by"]
    show_full_result_count = False

    def get_queryset(self, request):
        """With what is in the trash."""
        return DatasetImage.all_objects.order_by("-pk")

    def delete_model(self, request, obj):
        services.trash_images(obj.dataset, DatasetImage.objects.filter(pk=obj.pk), request.user)

    def delete_queryset(self, request, queryset):
        """To the trash, as every other door."""
        for dataset in self._datasets(queryset):
            services.trash_images(dataset, queryset, request.user)

    @admin.action(description="Restore from the trash")
    def restore(self, request, queryset):
        for dataset in self._datasets(queryset):
            count, refused = services.restore_images(dataset, queryset, request.user)
            self.message_user(request, f"{dataset.name}: {count} restored.")
            for row in refused:
                self.message_user(request, f"{row['filename']} stays in the trash: {row['reason']}", messages.WARNING)

    @admin.action(description="Delete for good, of those in the trash")
    def purge(self, request, queryset):
        for dataset in self._datasets(queryset):
            trashed = queryset.filter(deleted_at__isnull=False)
            count = services.purge_images(dataset, trashed, actor=request.user)
            self.message_user(request, f"{dataset.name}: {count} deleted for good.")

    @staticmethod
    def _datasets(queryset):
        return list(Dataset.objects.filter(pk__in=queryset.order_by().values("dataset")))


@admin.register(PendingDeletion)
class PendingDeletionAdmin(ReadOnlyAdmin):
    """A note made by hand would delete any file that it names, and one taken away would keep its file for good."""

    list_display = ["name", "due_at", "created_at"]
    search_fields = ["name"]

    def has_delete_permission(self, request, obj=None):
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
class TagAdmin(RecordedAdmin):
    list_display = ["name", "dataset"]
    search_fields = ["name", "dataset__name"]
    raw_id_fields = ["dataset"]
    list_select_related = ["dataset"]


@admin.register(ImageChange)
class ImageChangeAdmin(ReadOnlyAdmin):
    list_display = ["dataset", "action", "split", "user", "created_at"]
    list_filter = ["action", "created_at"]
    search_fields = ["dataset__name", "user__username"]
    list_select_related = ["dataset", "user"]
