import json

from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.timesince import timeuntil

from apps.core import retention
from apps.core.backup.making import in_words


class Command(BaseCommand):
    help = "Delete what is past its time by the settings, as the platform does every night; or say what would go."

    def add_arguments(self, parser):
        parser.add_argument(
            "--dry-run", action="store_true", help="Delete nothing; say what would go, and when the rest."
        )
        parser.add_argument("--json", action="store_true", help="With --dry-run: for programs.")

    def handle(self, dry_run=False, json=False, **options):
        if not dry_run:
            for kind, count in retention.sweep().items():
                self.stdout.write(f"{count:>10}  {kind}")
            return
        now = timezone.now()
        found = retention.report(now)
        self.stdout.write(_as_json(found) if json else _as_table(found, now))


def _as_json(found):
    return json.dumps([row.as_dict() for row in found], default=str, indent=1)


def _as_table(found, now):
    rows = [("kind", "setting", "rows", "files", "size", "the next"), *(_row(one, now) for one in found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(
        [*lines, "", "Nothing was deleted. A setting of 0 keeps forever, but for TRASH_DAYS and RUN_FOLDER_DAYS."]
    )


def _row(one, now):
    going = one.going
    later = f"in {timeuntil(going.next_at, now)}" if going.next_at else "–"
    return (
        one.kind, f"{one.setting}={one.value}", str(going.rows), str(going.files), in_words(going.bytes),
        later.replace("\xa0", " "),
    )  # fmt: skip
