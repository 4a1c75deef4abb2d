"""Sign-in by username or email."""

from django.contrib.auth.backends import ModelBackend

from apps.accounts.models import User


class UsernameOrEmailBackend(ModelBackend):
    """Takes either, in any case; as slow for an unknown name as for a wrong password."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        if not username or password is None:
            return None
        field = "email__iexact" if "@" in username else "username__iexact"
        user = User.objects.filter(**{field: username}).first()
        if user is None:
            User().set_password(password)
            return None
        return user if user.check_password(password) and self.user_can_authenticate(user) else None
