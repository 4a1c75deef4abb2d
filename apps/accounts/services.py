"""Every write about people and their tokens."""

from django.db import IntegrityError, transaction

from apps.accounts.models import ApiToken, User, hash_token


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


@transaction.atomic
def create_token(user, name, scope="read infer", expires_at=None, requests_per_day=None):
    """A new API token as (row, key); the key is not stored and cannot be shown again.

    `requests_per_day`: how often it may ask models on one day; None: as often as it likes.
    """
    key = ApiToken.new_key()
    row = ApiToken.objects.create(
        user=user, name=name, scope=scope, expires_at=expires_at, requests_per_day=requests_per_day,
        hint=key[:8], key_hash=hash_token(key),
    )  # fmt: skip
    return row, key


def set_quota(token, requests_per_day):
    """How often the token may ask models on one day from now on; None: as often as it likes."""
    token.requests_per_day = requests_per_day
    token.save(update_fields=["requests_per_day"])
    return token


def revoke_token(token):
    """The token stops working at once."""
    token.delete()


def save_keymap(user, keymap):
    """Keep the keys that this person chose for the labelling workspace."""
    User.objects.filter(pk=user.pk).update(keymap=keymap)
    user.keymap = keymap
