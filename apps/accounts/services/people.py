"""Every write about people."""

from django.db import IntegrityError, transaction

from apps.accounts.models import User


class NameTaken(ValueError):
    """Someone else took the username or the email since it was checked."""

    def __init__(self):
        super().__init__("This username or email is taken.")


def register_user(username, email, password, **extra):
    """A new person with a hashed password; raises NameTaken."""
    try:
        with transaction.atomic():
            return User.objects.create_user(username=username, email=email, password=password, **extra)
    except IntegrityError:
        raise NameTaken from None


def update_user(user, **values):
    """Change username or email; raises NameTaken."""
    for field, value in values.items():
        setattr(user, field, value)
    try:
        with transaction.atomic():
            user.save(update_fields=[*values, "updated_at"])
    except IntegrityError:
        raise NameTaken from None
    return user


def save_keymap(user, keymap):
    """Keep the keys that this person chose for the labelling workspace."""
    User.objects.filter(pk=user.pk).update(keymap=keymap)
    user.keymap = keymap
