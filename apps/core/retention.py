"""What the platform deletes by itself, and when: the same rules for the nightly work, `manage.py retention` and pages.

Every app that keeps something for a time has a module `retention` with a list RULES of these.
"""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from importlib import import_module

from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.module_loading import module_has_submodule

log = logging.getLogger(__name__)


@dataclass
class Going:
    """What is past its time: rows, stored files and their bytes; `next_at` is when the next of the rest will be."""

    rows: int = 0
    files: int = 0
    bytes: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True)
class Rule:
    """One kind of thing that is kept for a time.

    `due(now)` tells what would go as Going; `delete()` deletes it, may be killed, and returns how many went. `every`
    says how often the platform does so: those of each "night" share a task, others have one of their own.
    """

    kind: str
    setting: str
    due: Callable[[datetime], Going]
    delete: Callable[[], int]
    every: str = "night"

    @property
    def value(self):
        return getattr(settings, self.setting, None)


@dataclass
class Report:
    """A rule with what would go by it now, for a page or a command."""

    kind: str
    setting: str
    value: int | None
    every: str
    going: Going = field(default_factory=Going)

    def as_dict(self):
        told = asdict(self)
        return told | told.pop("going")


def rules():
    """The rules of all apps, in the order of the apps."""
    found = []
    for app in apps.get_app_configs():
        if app.name.startswith("apps.") and app.name != "apps.core" and module_has_submodule(app.module, "retention"):
            found += import_module(f"{app.name}.retention").RULES
    return import_module("apps.core.kept").RULES + found


def report(now=None):
    """What would go now, by rule, and when the next thing does; deletes nothing."""
    now = now or timezone.now()
    return [Report(rule.kind, rule.setting, rule.value, rule.every, rule.due(now)) for rule in rules()]


def sweep(every=None):
    """Delete what is past its time, by all rules or those of one rhythm; returns `{kind: how many}`.

    A rule that fails does not keep the others from their work.
    """
    counts = {}
    for rule in rules():
        if every in (None, rule.every):
            try:
                counts[rule.kind] = rule.delete()
            except Exception:
                log.exception("%s could not be deleted", rule.kind)
    return counts


def days_ago(now, days):
    """The moment before which things are past their time; None where they are kept forever (0 days)."""
    return now - timedelta(days=days) if days else None


def next_of(rows, name, kept):
    """When the first of `rows` is past its time, which is `kept` (a timedelta) after its field `name`; None if none."""
    first = rows.order_by(name).values_list(name, flat=True).first()
    return first + kept if first else None


def delete_in_pieces(rows, at_once=1000):
    """Delete rows some at a time, so that nobody waits for long; returns how many of them went."""
    count = 0
    while pks := list(rows.order_by("pk").values_list("pk", flat=True)[:at_once]):
        rows.model._base_manager.filter(pk__in=pks).delete()
        count += len(pks)
    return count


def stored_bytes(names):
    """(how many of these stored files are there, their bytes)."""
    count = total = 0
    for name in names:
        try:
            total += default_storage.size(name)
        except FileNotFoundError:
            continue
        count += 1
    return count, total
