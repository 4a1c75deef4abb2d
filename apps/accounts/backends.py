"""Sign-in by username or email."""

from axes.backends import AxesStandaloneBackend
from django.contrib.auth.backends import ModelBackend

from apps.accounts.models import User


class UsernameOrEmailBackend(AxesStandaloneBackend, ModelBackend):
    """Takes either, in any case; as slow for an unknown name as for a wrong password; not asked while locked out."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        if not username or password is None:
            return None
        super().authenticate(request, username=username, password=password)  # PermissionDenied while locked out
        field = "email__iexact" if "@" in username else "username__iexact"
        user = User.objects.filter(**{field: username}).first()
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None
