from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import UserChangeForm

from apps.accounts.models import ApiToken, User


class ChangeForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User


@admin.register(User)
class PersonAdmin(UserAdmin):
    form = ChangeForm
    list_display = ["username", "email", "is_active", "is_superuser", "created_at", "last_login"]
    list_filter = ["is_active", "is_superuser", "is_staff"]
    search_fields = ["username", "email"]
    ordering = ["-pk"]
    readonly_fields = ["created_at", "updated_at", "last_login"]
    fieldsets = [
        (None, {"fields": ["username", "email", "password"]}),
        ("May", {"fields": ["is_active", "is_staff", "is_superuser"]}),
        ("Times", {"fields": ["created_at", "updated_at", "last_login"]}),
    ]
    add_fieldsets = [(None, {"classes": ["wide"], "fields": ["username", "email", "password1", "password2"]})]


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    list_display = ["name", "user", "hint", "scope", "requests_per_day", "created_at", "expires_at", "last_used_at"]
    list_filter = ["scope", ("requests_per_day", admin.EmptyFieldListFilter), "created_at"]
    search_fields = ["name", "user__username", "user__email", "hint"]
    readonly_fields = ["user", "hint", "created_at", "last_used_at"]

    def has_add_permission(self, request):
        return False  # a key is shown once, to whom it belongs
