"""Every write about people and their tokens."""

from django.db import transaction

from apps.accounts.models import ApiToken, User, hash_token


def register_user(username, email, password, **extra):
    """A new person with a hashed password."""
    return User.objects.create_user(username=username, email=email, password=password, **extra)


@transaction.atomic
def create_token(user, name, scope="read infer", expires_at=None):
    """A new API token as (row, key); the key is not stored and cannot be shown again."""
    key = ApiToken.new_key()
    row = ApiToken.objects.create(
        user=user, name=name, scope=scope, expires_at=expires_at, hint=key[:8], key_hash=hash_token(key)
    )
    return row, key


def revoke_token(token):
    """The token stops working at once."""
    token.delete()


def save_keymap(user, keymap):
    """Keep the keys that this person chose for the labelling workspace."""
    User.objects.filter(pk=user.pk).update(keymap=keymap)
    user.keymap = keymap
