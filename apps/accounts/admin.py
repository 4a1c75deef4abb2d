from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm

from apps.accounts import services
from apps.accounts.mail import site_of
from apps.accounts.models import ApiToken, User


class ChangeForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User


@admin.register(User)
class PersonAdmin(UserAdmin):
    form = ChangeForm
    list_display = ["username", "email", "is_active", "is_superuser", "created_at", "last_login"]
    list_filter = ["is_active", "is_superuser", "is_staff", "must_verify_email"]
    actions = ["make_reset_link", "sign_out_everywhere"]
    search_fields = ["username", "email"]
    ordering = ["-pk"]
    readonly_fields = ["created_at", "updated_at", "last_login"]
    fieldsets = [
        (None, {"fields": ["username", "email", "password"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser", "must_verify_email"]}),
        ("Times", {"fields": ["created_at", "updated_at", "last_login"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["username", "email", "password1", "password2"]})]

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


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    list_display = ["name", "user", "hint", "scope", "requests_per_day", "created_at", "expires_at", "last_used_at"]
    list_filter = ["scope", ("requests_per_day", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["name", "user__username", "user__email", "hint"]
    readonly_fields = ["user", "hint", "created_at", "last_used_at"]

    def has_add_permission(self, request):
        return False  # a key is shown once, to whom it belongs
