"""The S3 store itself, for what Django's storage has no word for; only where `is_local(default_storage)` is false."""

from django.core.files.storage import default_storage
from storages.utils import safe_join


def client():
    return default_storage.connection.meta.client


def place(name):
    """Bucket and Key of a stored file, as the client's calls take them."""
    return {"Bucket": default_storage.bucket_name, "Key": key(name)}


def key(name):
    """As the storage itself names what lies in its bucket."""
    return safe_join(default_storage.location, name)


def read(name, most):
    """At most so many bytes of a stored file, by one request; None where there is no such file."""
    try:
        with client().get_object(**place(name))["Body"] as body:
            return body.read(most)
    except client().exceptions.NoSuchKey:
        return None
