from botocore.exceptions import BotoCoreError, ClientError
from django.core.management.base import BaseCommand, CommandError

from apps.core.backup import BackupError
from apps.core.backup.manifests import read_manifest
from apps.core.backup.places import open_place
from apps.core.backup.restoring import restore_backup, restore_secret

WORD = "replace"


class Command(BaseCommand):
    help = "Restore a backup of `manage.py backup` into this platform, which must be empty and stopped."

    def add_arguments(self, parser):
        parser.add_argument("source", help="A folder, or s3://bucket/prefix with the BACKUP_S3_* settings.")
        parser.add_argument("--backup", metavar="NAME", help="Which one, instead of the newest.")
        parser.add_argument("--replace", action="store_true", help="Delete everything that this platform holds first.")
        parser.add_argument("--yes", action="store_true", help="With --replace: do not ask.")

    def handle(self, source, backup=None, replace=False, yes=False, **options):
        try:
            place = open_place(source)
            manifest = read_manifest(place, backup)
            if replace and not yes:
                self._ask(manifest)
            restore_backup(place, manifest, replace=replace, say=self.stdout.write)
            restore_secret(place, manifest, self.stdout.write)
        except (BackupError, BotoCoreError, ClientError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted: this platform is empty. Run the same command again.") from None

    def _ask(self, manifest):
        self.stdout.write(
            f"All rows and files of this platform are deleted, and those of backup {manifest.name} "
            f"({manifest.num_rows} rows, {manifest.files['count']} files) take their place."
        )
        if input(f"Type “{WORD}” to go on: ") != WORD:
            raise CommandError("Nothing was changed.")
