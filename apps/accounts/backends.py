"""Sign-in by username or email."""

from axes.backends import AxesStandaloneBackend
from django.contrib.auth.backends import ModelBackend

from apps.accounts.models import User, find_person


class UsernameOrEmailBackend(AxesStandaloneBackend, ModelBackend):
    """Takes either, in any case; as slow for an unknown name as for a wrong password; not asked while locked out."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        if not username or password is None:
            return None
        super().authenticate(request, username=username, password=password)  # PermissionDenied while locked out
        user = find_person(username)
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None
