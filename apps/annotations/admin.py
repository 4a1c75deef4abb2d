from django.contrib import admin

from apps.annotations.models import Annotation, DatasetVersion, Review, Revision, Suggestion, VersionComparison
from apps.core.admin import ReadOnlyAdmin


@admin.register(Annotation)
class AnnotationAdmin(ReadOnlyAdmin):
    """Labels are saved as whole sets with a revision."""

    list_display = ["id", "image", "class_key", "source", "confidence", "created_at"]
    list_filter = ["source", "created_at"]
    search_fields = ["image__filename"]
    raw_id_fields = ["image"]
    list_select_related = ["image"]
    show_full_result_count = False


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    list_display = ["image", "number", "author", "kind", "num_annotations", "added", "removed", "changed", "created_at"]
    list_filter = ["kind", "created_at"]
    search_fields = ["image__filename", "author__username"]
    raw_id_fields = ["image", "author"]
    list_select_related = ["image", "author"]
    show_full_result_count = False


@admin.register(DatasetVersion)
class DatasetVersionAdmin(ReadOnlyAdmin):
    list_display = ["dataset", "number", "note", "num_images", "num_boxes", "created_by", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["dataset__name", "content_hash"]
    raw_id_fields = ["dataset", "created_by"]
    list_select_related = ["dataset", "created_by"]


@admin.register(VersionComparison)
class VersionComparisonAdmin(ReadOnlyAdmin):
    list_display = ["dataset", "older", "newer", "created_at"]
    list_filter = ["created_at"]
    search_fields = ["dataset__name"]
    raw_id_fields = ["dataset", "older", "newer"]
    list_select_related = ["dataset", "older__dataset", "newer__dataset"]


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    list_display = ["image", "action", "reviewer", "revision", "note", "created_at"]
    list_filter = ["action", "created_at"]
    search_fields = ["image__filename", "reviewer__username", "note"]
    raw_id_fields = ["image", "reviewer"]
    list_select_related = ["image", "reviewer"]


@admin.register(Suggestion)
class SuggestionAdmin(ReadOnlyAdmin):
    """A model's prediction, never typed by hand."""

    list_display = ["image", "model_name", "class_key", "confidence", "created_at"]
    list_filter = ["model_name", "created_at"]
    search_fields = ["image__filename", "model_name"]
    raw_id_fields = ["image"]
    list_select_related = ["image"]
    show_full_result_count = False
