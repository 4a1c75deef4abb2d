"""Collecting static files: only what pages use, and only where something changed."""

import hashlib
from importlib.metadata import version

from django.conf import settings
from django.core.management import call_command

PACKAGES_WITH_STATIC_FILES = ("django", "djangorestframework", "drf-spectacular-sidecar", "django-htmx", "plotly")


def collect_static():
    """Collect static files where any of them may have changed since the last time."""
    stamp = settings.STATIC_ROOT / ".stamp"
    now = _static_fingerprint()
    if stamp.exists() and stamp.read_text() == now:
        return
    # Parts of packages that no page uses.
    ignored = ["datasets", "templates", "widgetbundle.js", "ext", "htmx-4*", "htmax-4*"]
    call_command(
        "collectstatic", verbosity=0, interactive=False, clear=settings.STATIC_ROOT.exists(), ignore_patterns=ignored
    )
    stamp.write_text(now)


def _static_fingerprint():
    digest = hashlib.sha256()
    for package in PACKAGES_WITH_STATIC_FILES:
        digest.update(f"{package} {version(package)}\n".encode())
    for path in sorted((settings.BASE_DIR / "static").rglob("*")):
        if path.is_file():
            digest.update(f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}\n".encode())
    return digest.hexdigest()
