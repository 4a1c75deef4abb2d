"""Defaults that settings.py works out from the machine: a kept secret, a socket path, a usable data folder."""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from yolotrainer.reading import ENDPOINT

SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes


def data_dir_is_usable(path):
    """Make the data folder; raises ImproperlyConfigured in one line where it cannot be made or written."""
    try:
        (path / "run").mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR={path} cannot be used: {error.strerror or error}.") from None


def usable_cores():
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def kept_secret(path):
    """The secret in `path`, made once; two processes that start together get the same one."""
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".secret", delete=False) as draft:
            draft.write(secrets.token_urlsafe(50))
        try:
            os.link(draft.name, path)
        except FileExistsError:
            pass  # another process was first: its secret is the one that counts
        finally:
            os.unlink(draft.name)
    return path.read_text().strip()


def short_socket_path(data_dir: Path) -> str:
    """A Unix socket path for this data folder; in the temporary folder where the data folder's own is too long."""
    path = str(data_dir / "run" / "valkey.sock")
    if len(path.encode()) <= SOCKET_PATH_LIMIT:
        return path
    digest = hashlib.sha256(path.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"yolotrainer-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return str(folder / "valkey.sock")


def store_origins(endpoint, region, bucket):
    """The origins that signed addresses of an S3 store have: that of its endpoint, or AWS's of a bucket."""
    if endpoint:
        found = ENDPOINT.fullmatch(endpoint)  # it goes into a header: nothing but an origin, no key and no other word
        if not found:
            raise ImproperlyConfigured("S3_ENDPOINT_URL: accepted is https://host or http://host, with a port or not.")
        return [found[1]]
    return [f"https://{bucket}.s3.amazonaws.com"] + ([f"https://{bucket}.s3.{region}.amazonaws.com"] if region else [])
