"""Tasks of the queue as they ended, which Celery's own package shows as forms."""

from django.contrib import admin
from django_celery_results.models import GroupResult, TaskResult

from apps.core.admin import ReadOnlyAdmin, preformatted

admin.site.unregister([TaskResult, GroupResult])  # groups: the platform has none


@admin.register(TaskResult)
class TaskResultAdmin(ReadOnlyAdmin):
    list_display = ["date_done", "task_name", "error", "status", "shown_arguments", "worker"]
    list_display_links = ["date_done", "task_name"]
    list_filter = ["status", "date_done", "task_name", "worker"]
    search_fields = ["task_name", "=task_id", "task_args", "result", "traceback"]
    search_help_text = "Words of a task's name, its arguments, its error or its traceback, or its whole id."
    show_full_result_count = False
    fields = [
        "task_id", "task_name", "periodic_task_name", "status", "worker", "shown_arguments", "task_kwargs",
        "date_created", "date_started", "date_done", "shown_result", "shown_traceback",
    ]  # fmt: skip
    readonly_fields = ["shown_arguments", "shown_result", "shown_traceback"]
    show_facets = admin.ShowFacets.NEVER

    class Media:
        css = {"all": ["css/operator.css"]}

    @admin.display(description="arguments")
    def shown_arguments(self, row):
        return (row.task_args or "")[:200]

    @admin.display(description="error")
    def error(self, row):
        lines = (row.traceback or "").strip().splitlines()
        return lines[-1][:200] if lines else ""

    @admin.display(description="result")
    def shown_result(self, row):
        return preformatted(row.result)

    @admin.display(description="traceback")
    def shown_traceback(self, row):
        return preformatted(row.traceback)
