from collections import defaultdict

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html

from apps.core import audit, work
from apps.core.deleting import delete_job, delete_uploads
from apps.core.jobs import JobRefused, requeue_job
from apps.core.models import AuditEvent, Delivery, Job, Quota, Upload, Webhook
from apps.core.owners import team_of
from apps.core.webhooks import services as webhooks


class DeletedByService(admin.ModelAdmin):
    """Of what a service deletes, with all that hangs on it: the page asks first, in words, and says why where it stays.

    `refusals`: what that service raises. Of many that are chosen all go, or none.
    """

    refusals = ()
    delete_confirmation_template = "admin/operator/delete_one.html"
    delete_selected_confirmation_template = "admin/operator/delete_many.html"

    def delete_by_service(self, request, obj):
        """Delete the row by its service, which writes it down."""
        raise NotImplementedError

    def along(self, obj):
        """What goes along, in words."""
        return []

    def against(self, obj):
        """Sentences that say why it cannot be deleted now."""
        return []

    def get_deleted_objects(self, objs, request):
        """Not Django's walk over all rows that hang on these: a dataset has millions of them."""
        going = []
        for obj in objs:
            going += [str(obj), along] if (along := self.along(obj)) else [str(obj)]
        reasons = [reason for obj in objs for reason in self.against(obj)]
        return going, {self.opts.verbose_name_plural: len(objs)}, set(), reasons

    def delete_model(self, request, obj):
        self.delete_by_service(request, obj)

    def delete_queryset(self, request, queryset):
        for obj in queryset:
            self.delete_by_service(request, obj)

    def delete_view(self, request, object_id, extra_context=None):
        return self._or_say_why(super().delete_view, request, object_id, extra_context=extra_context)

    def changelist_view(self, request, extra_context=None):
        return self._or_say_why(super().changelist_view, request, extra_context=extra_context)

    def _or_say_why(self, view, request, *args, **kwargs):
        try:
            with transaction.atomic():
                return view(request, *args, **kwargs)
        except self.refusals as refused:
            self.message_user(request, f"Nothing was deleted. {refused}", messages.ERROR)
            return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"))


class RecordedAdmin(admin.ModelAdmin):
    """Of what no service writes: what is done to it here is in the audit log all the same."""

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        verb = "changed" if change else "made"
        audit.record(request.user, verb, obj, team_of(obj), fields=form.changed_data)

    @transaction.atomic
    def delete_model(self, request, obj):
        audit.record(request.user, "deleted", obj, team_of(obj))
        super().delete_model(request, obj)

    @transaction.atomic
    def delete_queryset(self, request, queryset):
        """One event for all of a team's."""
        of_team = defaultdict(list)
        for obj in queryset:
            of_team[team_of(obj)].append(obj)
        for team, rows in of_team.items():
            audit.record_many(request.user, "deleted", rows, team)
        super().delete_queryset(request, queryset)


class ReadOnlyAdmin(RecordedAdmin):
    """Of what only the platform writes: looked at and deleted by hand, never made or changed."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


def preformatted(text):
    """A traceback, or other text of many lines, as it was written."""
    return format_html('<pre class="traceback">{}</pre>', text) if text else "–"


@admin.register(Job)
class JobAdmin(DeletedByService, ReadOnlyAdmin):
    list_display = [
        "id", "kind", "owner", "team", "status", "progress", "message", "attempts", "heartbeat_at", "created_at",
    ]  # fmt: skip
    list_filter = ["status", "kind", "created_at"]
    search_fields = ["=id", "kind", "owner__username", "subject", "error_message", "traceback"]
    search_help_text = "A job's number, its kind, its owner, what it is about (dataset:12), words of its error."
    list_select_related = ["owner", "team"]
    exclude = ["traceback"]
    readonly_fields = ["shown_traceback"]
    actions = ["cancel", "requeue"]

    class Media:
        css = {"all": ["css/operator.css"]}

    @admin.action(description="Cancel", permissions=["steer"])
    def cancel(self, request, queryset):
        done = 0
        for job in queryset:
            with transaction.atomic():
                if work.cancel(job):
                    audit.record(request.user, "job cancelled", job, job.team, owner=job.owner.username)
                    done += 1
        messages.info(request, f"{done} of {len(queryset)} cancelled. The others had ended.")

    @admin.action(description="Requeue (what failed, was cancelled, or waits)", permissions=["steer"])
    def requeue(self, request, queryset):
        done = 0
        for job in queryset:
            try:
                with transaction.atomic():
                    requeue_job(job)
                    audit.record(request.user, "job requeued", job, job.team, owner=job.owner.username)
                done += 1
            except JobRefused as refused:
                messages.warning(request, f"{job}: {refused}")
        messages.info(request, f"{done} of {len(queryset)} sent to their queue.")

    def has_steer_permission(self, request):
        return request.user.is_superuser

    def delete_by_service(self, request, obj):
        delete_job(obj, request.user)

    @admin.display(description="traceback")
    def shown_traceback(self, job):
        return preformatted(job.traceback)


@admin.register(Quota)
class QuotaAdmin(admin.ModelAdmin):
    """What one person or team may have, instead of what the settings say."""

    list_display = ["id", "person", "team", "storage_mb", "trainings_at_once"]
    list_display_links = ["id", "person", "team"]
    search_fields = ["person__username", "team__name"]
    autocomplete_fields = ["person", "team"]
    list_select_related = ["person", "team"]

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        self._record(request, "quota set", obj, storage_mb=obj.storage_mb, trainings_at_once=obj.trainings_at_once)

    def delete_model(self, request, obj):
        self._record(request, "quota removed", obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request, queryset):
        for obj in queryset:
            self.delete_model(request, obj)

    def _record(self, request, verb, quota, **detail):
        audit.record(request.user, verb, quota.person or quota.team, quota.team, **detail)


@admin.register(Upload)
class UploadAdmin(DeletedByService, ReadOnlyAdmin):
    list_display = ["id", "filename", "owner", "size", "offset", "created_at", "expires_at"]
    list_filter = ["created_at", "expires_at"]
    search_fields = ["filename", "owner__username"]
    raw_id_fields = ["owner"]
    list_select_related = ["owner"]

    def delete_by_service(self, request, obj):
        audit.record(request.user, "deleted", obj, owner=obj.owner.username, size=obj.size)
        delete_uploads(Upload.objects.filter(pk=obj.pk))


def team_model():
    """The teams, which a floor above has."""
    return Job._meta.get_field("team").related_model


class OfTeamFilter(admin.SimpleListFilter):
    """Events of one team, by its name."""

    title = "team"
    parameter_name = "team_id"

    def lookups(self, request, model_admin):
        return team_model().objects.values_list("pk", "name")

    def queryset(self, request, queryset):
        wanted = self.value()
        return queryset.filter(team_id=wanted) if wanted and wanted.isdecimal() and len(wanted) < 19 else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Search takes names, verbs, addresses and ids: "alice deleted", "10.0.0.7", "datasets.dataset"."""

    list_display = ["at", "actor_name", "verb", "subject_type", "subject_name", "team", "address", "token_id"]
    list_display_links = ["at", "verb"]
    list_filter = ["at", "verb", "subject_type", OfTeamFilter]
    search_fields = ["actor_name", "verb", "subject_type", "subject_name", "=subject_id", "address"]
    search_help_text = "Words of a person's name, of what was done, of what it was done to, or an address."
    date_hierarchy = "at"
    show_full_result_count = False

    def get_queryset(self, request):
        named = team_model().objects.filter(pk=OuterRef("team_id")).values("name")
        return super().get_queryset(request).annotate(team_name=Subquery(named[:1]))

    @admin.display(ordering="team_id")
    def team(self, event):
        """The name of now; an event stays where its team is gone."""
        if event.team_id is None:
            return ""
        return event.team_name or f"team {event.team_id}, which is gone"

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Webhook)
class WebhookAdmin(DeletedByService, ReadOnlyAdmin):
    list_display = [
        "id", "url", "owner", "team", "is_active", "failures", "failing_since", "disabled_because", "created_at",
    ]  # fmt: skip
    list_filter = ["is_active", "created_at"]
    search_fields = ["url", "description", "owner__username", "team__name"]
    exclude = ["secret"]
    list_select_related = ["owner", "team"]
    actions = ["switch_on", "switch_off"]

    def delete_by_service(self, request, obj):
        webhooks.delete_webhook(obj, request.user)

    @admin.action(description="Switch on", permissions=["delete"])
    def switch_on(self, request, queryset):
        for hook in queryset:
            webhooks.update_webhook(hook, request.user, is_active=True)

    @admin.action(description="Switch off", permissions=["delete"])
    def switch_off(self, request, queryset):
        for hook in queryset:
            webhooks.update_webhook(hook, request.user, is_active=False)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["id", "event", "webhook", "status", "tries", "due_at", "created_at", "ended_at"]
    list_filter = ["status", "event", "created_at"]
    search_fields = ["id", "webhook__url", "webhook__owner__username", "webhook__team__name"]
    list_select_related = ["webhook"]
    actions = ["send_again"]

    @admin.action(description="Send again", permissions=["delete"])
    def send_again(self, request, queryset):
        for row in queryset:
            try:
                webhooks.replay(row)
            except webhooks.WebhookRefused as refused:
                messages.warning(request, f"{row}: {refused}")
