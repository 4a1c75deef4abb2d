from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import Count
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.accounts import services
from apps.accounts.mail import site_of
from apps.accounts.models import ApiToken, BrowserSession, Membership, OneTimeLink, Team, TeamInvitation, User
from apps.accounts.services import totp
from apps.core import audit
from apps.core.admin import DeletedByService, ReadOnlyAdmin
from apps.core.callers import current_request
from apps.core.leaving import PersonStays, possessions_of


class ChangeForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User

    def clean_is_superuser(self):
        others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=self.instance.pk)
        if self.instance.is_superuser and not self.cleaned_data["is_superuser"] and not others.exists():
            raise ValidationError("This is the last operator. Make another one first.")
        return self.cleaned_data["is_superuser"]


class PasswordForm(AdminPasswordChangeForm):
    """An operator sets somebody's password, by the same service as everybody."""

    def save(self, commit=True):
        request = current_request()
        password = (
            self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None
        )  # None: no password
        services.set_password(self.user, password, request and request.user)
        return self.user


OPERATORS = (
    "An operator is a superuser: sees and may do everything, and comes into this admin. There is nothing between."
)


@admin.register(User)
class PersonAdmin(DeletedByService, UserAdmin):
    refusals = (PersonStays,)
    form = ChangeForm
    change_password_form = PasswordForm
    list_display = ["username", "email", "is_active", "is_superuser", "created_at", "last_login"]
    list_filter = ["is_active", "is_superuser", "must_verify_email"]
    actions = ["deactivate", "activate", "make_reset_link", "sign_out_everywhere", "release_totp"]
    search_fields = ["username", "email"]
    ordering = ["-pk"]
    readonly_fields = ["is_active", "created_at", "updated_at", "last_login"]  # active by the services: see actions
    fieldsets = [
        (None, {"fields": ["username", "email", "password"]}),
        ("May", {"fields": ["is_active", "is_superuser", "must_verify_email"], "description": OPERATORS}),
        ("Times", {"fields": ["created_at", "updated_at", "last_login"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["username", "email", "password1", "password2"]})]

    def save_model(self, request, obj, form, change):
        obj.is_staff = obj.is_superuser
        super().save_model(request, obj, form, change)
        audit.record(request.user, "person changed" if change else "person made", obj, fields=form.changed_data)

    def delete_by_service(self, request, obj):
        services.delete_person(obj, request.user)

    def along(self, obj):
        return possessions_of(obj)

    def against(self, obj):
        reasons = services.why_person_stays(obj)
        return [*reasons, services.INSTEAD] if reasons else []

    def has_delete_permission(self, request, obj=None):
        return super().has_delete_permission(request, obj) and obj != request.user  # so an operator is always left

    @admin.action(description="Deactivate (nothing of theirs is answered any more)", permissions=["steer"])
    def deactivate(self, request, queryset):
        done = 0
        for user in queryset:
            try:
                done += services.deactivate_user(user, request.user)
            except services.ActivityRefused as refused:
                self.message_user(request, f"{user.username}: {refused}", messages.WARNING)
        self.message_user(
            request, f"{done} of {len(queryset)} deactivated: their sessions, JWTs and API tokens are good no more. "
            "What they own stays, and jobs that they started go on.",
        )  # fmt: skip

    @admin.action(description="Activate", permissions=["steer"])
    def activate(self, request, queryset):
        done = sum(services.activate_user(user, request.user) for user in queryset)
        self.message_user(request, f"{done} of {len(queryset)} activated: they can sign in, and their API tokens work.")

    def has_steer_permission(self, request):
        return request.user.is_superuser

    @admin.action(description="Make a link for a new password", permissions=["change"])
    def make_reset_link(self, request, queryset):
        """For people who forgot theirs where no mail is sent: the operator hands the link on."""
        for user in queryset.filter(is_active=True):
            link = services.make_reset_link(user, request.user, site_of(request))
            self.message_user(request, f"For {user.username}, good once: {link}", messages.WARNING)

    @admin.action(description="Sign out everywhere", permissions=["change"])
    def sign_out_everywhere(self, request, queryset):
        for user in queryset:
            services.sign_out_everywhere(user, request.user)
        self.message_user(request, "All their sessions and JWTs have ended. API tokens go on.")

    @admin.action(description="Turn off the second step (device and codes lost)", permissions=["change"])
    def release_totp(self, request, queryset):
        for user in queryset:
            totp.release_totp(user, request.user)
        self.message_user(request, "They sign in with their password alone.")


@admin.register(ApiToken)
class ApiTokenAdmin(DeletedByService):
    """Its quota is the operator's to set; what it may do, and until when, was chosen by whose it is."""

    list_display = ["name", "user", "hint", "scope", "requests_per_day", "created_at", "expires_at", "last_used_at"]
    list_filter = ["scope", ("requests_per_day", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["name", "user__username", "user__email", "hint"]
    fields = ["name", "user", "hint", "scope", "requests_per_day", "created_at", "expires_at", "last_used_at"]
    readonly_fields = [name for name in fields if name != "requests_per_day"]
    list_select_related = ["user"]

    def has_add_permission(self, request):
        return False  # a key is shown once, to whom it belongs

    def save_model(self, request, obj, form, change):
        services.set_quota(obj, form.cleaned_data["requests_per_day"], request.user)

    def delete_by_service(self, request, obj):
        services.revoke_token(obj, request.user)


admin.site.unregister(Group)  # operators are superusers; what others may do, roles in teams say
admin.site.unregister([TOTPDevice, StaticDevice])  # secrets are nobody's to read; the list of people turns them off


@admin.register(AccessAttempt)
class WrongPasswordsAdmin(DeletedByService, ReadOnlyAdmin):
    """Wrong passwords of late. Deleting a row releases the lock that they made."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time", "path_info"]
    list_filter = ["attempt_time"]
    search_fields = ["username", "ip_address"]
    search_help_text = "Delete the rows of an account or an address, and it can sign in again at once."
    fields = ["username", "ip_address", "user_agent", "failures_since_start", "attempt_time", "path_info"]

    def delete_by_service(self, request, obj):
        audit.record(request.user, "lock released", account=obj.username, its_address=obj.ip_address)
        obj.delete()


@admin.register(OneTimeLink)
class OneTimeLinkAdmin(ReadOnlyAdmin):
    """Invitations, to look at; deleting one withdraws it."""

    list_display = ["purpose", "email", "made_by", "made_at", "expires_at", "used_at", "used_by", "revoked_at"]
    list_filter = ["purpose", "made_at", ("used_at", admin.EmptyFieldListFilter)]
    search_fields = ["email", "made_by__username", "used_by__username"]
    list_select_related = ["made_by", "used_by"]


@admin.register(BrowserSession)
class BrowserSessionAdmin(DeletedByService, ReadOnlyAdmin):
    """Where people are signed in with a browser. Deleting a row signs that browser out."""

    list_display = ["user", "address", "user_agent", "created_at", "last_seen_at"]
    list_filter = ["last_seen_at", "created_at"]
    search_fields = ["user__username", "user__email", "address", "user_agent"]
    list_select_related = ["user"]

    def delete_by_service(self, request, obj):
        services.end_session(obj, request.user)


class MembershipInline(admin.TabularInline):
    """Who is in a team: changed on its page, where an owner always stays."""

    model = Membership
    extra = 0
    can_delete = False
    fields = readonly_fields = ["user", "role", "created_at"]

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False


@admin.register(Team)
class TeamAdmin(ReadOnlyAdmin):
    list_display = ["name", "people", "created_at"]
    search_fields = ["name", "memberships__user__username"]
    inlines = [MembershipInline]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(num_members=Count("memberships"))

    @admin.display(ordering="num_members")
    def people(self, team):
        return team.num_members

    def has_delete_permission(self, request, obj=None):
        return False  # on its page, which says what it still has


@admin.register(TeamInvitation)
class TeamInvitationAdmin(ReadOnlyAdmin):
    list_display = ["team", "role", "link", "good"]
    list_filter = ["role"]
    search_fields = ["team__name", "link__email"]
    list_select_related = ["team", "link"]

    @admin.display(boolean=True)
    def good(self, row):
        return row.link.is_good


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    """Who is in which team: changed on the team's page, where an owner always stays."""

    list_display = ["team", "user", "role"]
    list_filter = ["role"]
    search_fields = ["team__name", "user__username", "user__email"]
    list_select_related = ["team", "user"]

    def has_delete_permission(self, request, obj=None):
        return False
