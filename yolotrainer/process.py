"""One process of the platform, for where something else keeps it running: `python -m yolotrainer.process NAME`.

`setup` brings database, store and static files up to date and ends; `web`, `worker`, `upkeep`, `trainer` and `beat`
become that process, with the command that `make run` starts it with. Containers, Kubernetes and systemd call this.
With `--reload` behind it, it starts again whenever a source file changes.
"""

import os
import subprocess
import sys

SETUP = "setup"


def main(name, reload=False):
    """Do the setup, or become the process `name`; a wrong name or setting is answered in one line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import call_command
    from django.db import OperationalError

    from yolotrainer.supervisor import CannotStart, commands, listen_address

    try:
        host, port = listen_address()
        django.setup()
        known = dict(commands(host, port))
        if name != SETUP and name not in known:
            raise CannotStart(f"there is no process {name!r}; there are: {', '.join([SETUP, *known])}.")
        if name in (SETUP, "web"):  # a web process has its static files in its own folder
            call_command("collect")
        if name == SETUP:
            set_up()
            return
    except (CannotStart, ImproperlyConfigured, OperationalError) as reason:
        sys.exit(f"{name} cannot start: {reason}")
    if reload:
        keep_current(known[name])
    else:
        os.execv(known[name][0], known[name])  # noqa: S606 — no shell is wanted


def keep_current(command):
    """Run `command` in a child that Django's reloader ends and starts anew when a source file changes."""
    from django.conf import settings
    from django.utils import autoreload

    from yolotrainer.supervisor import die_with_parent

    def watch_sources(sender, **kwargs):
        for folder in ("apps", "yolotrainer"):
            sender.watch_dir(settings.BASE_DIR / folder, "**/*.py")

    autoreload.autoreload_started.connect(watch_sources, weak=False)
    autoreload.run_with_reloader(lambda: subprocess.run(command, preexec_fn=die_with_parent, check=False))


def set_up():
    """The database's migrations, and the bucket where files go to S3; run as often as one likes."""
    from django.conf import settings
    from django.core.files.storage import default_storage
    from django.core.management import call_command

    call_command("migrate", verbosity=1, interactive=False)
    bucket = settings.STORAGES["default"].get("OPTIONS", {}).get("bucket_name")
    if bucket:
        make_bucket(default_storage.connection.meta.client, bucket)


def make_bucket(client, name):
    """Make the bucket `name` where it is missing; raises CannotStart where the store refuses."""
    from botocore.exceptions import BotoCoreError, ClientError

    from yolotrainer.supervisor import CannotStart

    try:
        try:
            client.head_bucket(Bucket=name)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            client.create_bucket(Bucket=name)
            print(f"Made the bucket {name}.")
    except (BotoCoreError, ClientError) as error:
        raise CannotStart(f"S3 does not give the bucket {name}: {error}") from None


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[2:] not in ([], ["--reload"]):
        sys.exit("python -m yolotrainer.process setup | web | worker | upkeep | trainer | beat  [--reload]")
    main(sys.argv[1], reload=len(sys.argv) > 2)
