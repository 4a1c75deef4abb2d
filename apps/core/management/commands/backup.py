import os
import signal

from botocore.exceptions import BotoCoreError, ClientError
from django.core.management.base import BaseCommand, CommandError

from apps.core.backup import BackupError
from apps.core.backup.checking import verify
from apps.core.backup.making import in_words, make_backup
from apps.core.backup.manifests import backup_names, read_manifest
from apps.core.backup.places import open_place
from apps.core.backup.pruning import keep_newest


class Command(BaseCommand):
    help = (
        "Back up all rows and files to a folder or to s3://bucket/prefix, while the platform runs; or look at backups."
    )

    def add_arguments(self, parser):
        parser.add_argument("target", help="A folder, or s3://bucket/prefix with the BACKUP_S3_* settings.")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--verify", action="store_true", help="Read a backup and hold it against its hashes.")
        what.add_argument("--list", action="store_true", help="Show the complete backups that are there.")
        parser.add_argument("--backup", metavar="NAME", help="With --verify: which one, instead of the newest.")
        parser.add_argument("--full", action="store_true", help="Copy everything again, also what is there already.")
        parser.add_argument("--keep", type=int, metavar="N", help="Afterwards delete all but the newest N backups.")
        parser.add_argument(
            "--with-secret-key", action="store_true",
            help="Put the secret key into it too: whoever has the backup can then sign in as anybody.",
        )  # fmt: skip

    def handle(self, target, **options):
        signal.signal(signal.SIGTERM, _interrupted)
        if options["keep"] is not None and options["keep"] < 1:
            raise CommandError("--keep takes a number from 1.")
        try:
            place = open_place(target)
            if options["list"]:
                self._list(place)
            elif options["verify"]:
                verify(place, read_manifest(place, options["backup"]), self.stdout.write)
            else:
                self._back_up(place, options)
        except (BackupError, BotoCoreError, ClientError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Interrupted: no backup was made. The next one uses what was copied.") from None

    def _back_up(self, place, options):
        os.nice(10)  # people come first
        manifest = make_backup(
            place, say=self.stdout.write, full=options["full"], with_secret=options["with_secret_key"]
        )  # fmt: skip
        self.stdout.write(f"Fingerprint: {manifest.fingerprint}")
        if manifest.missing:
            self.stdout.write(f"{len(manifest.missing)} files that rows name are not there:")
            self.stdout.write("".join(f"  {name}\n" for name in manifest.missing[:20]))
        if "object" not in manifest.secret:
            self.stdout.write("The secret key is not in it (--with-secret-key): keep it apart.")
        if options["keep"]:
            keep_newest(place, options["keep"], self.stdout.write)

    def _list(self, place):
        for name in backup_names(place):
            manifest = read_manifest(place, name)
            size = in_words(manifest.files["bytes"])
            self.stdout.write(f"{name}  {manifest.num_rows} rows, {manifest.files['count']} files, {size}")


def _interrupted(*_):
    raise KeyboardInterrupt
