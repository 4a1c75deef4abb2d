import os
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from apps.accounts.models import User
from apps.annotations.formats import FORMATS
from apps.annotations.services.imports import BadOptions, clean_options, import_here
from apps.annotations.services.imports.options import FILL, SPLIT_CHOICES
from apps.core import work
from apps.datasets import services as datasets
from apps.datasets.access import may_review
from apps.datasets.models import Dataset


class Command(BaseCommand):
    help = "Import a zip, a tar or a folder of images and labels on this machine, with progress and a report."

    def add_arguments(self, parser):
        parser.add_argument("path", help="A zip, a tar (also .gz, .bz2), or a folder.")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("--into", type=int, metavar="ID", help="The dataset that it goes into.")
        where.add_argument("--name", help="The name of a new dataset.")
        parser.add_argument("--owner", required=True, metavar="USER", help="Who imports, and owns a new dataset.")
        parser.add_argument(
            "--task", choices=Dataset.Task.values, default=Dataset.Task.DETECT, help="Of a new dataset."
        )
        parser.add_argument("--format", choices=["auto", *FORMATS], default="auto")
        parser.add_argument("--splits", choices=list(SPLIT_CHOICES), default=FILL, help="What becomes of its splits.")
        parser.add_argument(
            "--map", action="append", default=[], metavar="OLD=NEW",
            help="A class of the archive and its name here, where it may be new; nothing after the = leaves it out.",
        )  # fmt: skip

    def handle(self, path, owner, into=None, name=None, **options):
        path = Path(path).absolute()
        if not os.access(path, os.R_OK):
            raise CommandError(f"{path} is not there, or cannot be read.")
        user = User.objects.filter(username=owner).first()
        if user is None:
            raise CommandError(f"There is no user “{owner}”.")
        dataset = Dataset.objects.filter(pk=into).first() if into is not None else None
        if into is not None and dataset is None:
            raise CommandError(f"There is no dataset {into}.")
        if dataset and not may_review(user, dataset):
            raise CommandError(f"{owner} may not import into dataset {into}.")
        try:
            wanted = clean_options(dataset, options["format"], _mapping(options["map"], dataset), options["splits"])
        except BadOptions as bad:
            raise CommandError(str(bad)) from None
        is_new = dataset is None
        if is_new:
            if not 0 < len(name.strip()) <= 120:
                raise CommandError("A dataset needs a name of 1 to 120 characters.")
            dataset = datasets.create_dataset(user, name.strip(), task=options["task"])
        self._run(user, dataset, path, wanted, is_new)

    def _run(self, user, dataset, path, wanted, is_new):
        job = None
        try:
            for job in import_here(user, dataset, path, wanted, is_new, self._say):
                self.stdout.write(f"Import job {job.pk} into dataset {dataset.pk} “{dataset.name}”")
        except KeyboardInterrupt:
            if job:
                work.cancel(job)
            raise CommandError("Cancelled. What is in stays in; the same command again goes on.") from None
        job.refresh_from_db()
        if job.status != "completed":
            raise CommandError(job.error_message or f"The import was {job.status}.")
        self._report(job)

    def _say(self, progress, message):
        self.stdout.write(f"{100 * progress:3.0f} %  {message}")

    def _report(self, job):
        found = job.result
        self.stdout.write(
            f"{found['images']} images and {found['boxes']} boxes went in ({found['format']}), "
            f"{found['report']['total']} things to know"
        )
        for kind in found["report"]["kinds"]:
            self.stdout.write(f"{kind['count']:>8}  {kind['words']}")
        for row in found["problems"][:20]:
            line = f":{row['line']}" if row["line"] else ""
            self.stdout.write(f"  {row['effect']}: {row['file']}{line}: {row['reason']}")
        if found["report"]["total"] > 20:
            self.stdout.write(f"  … and more on the job's page, /jobs/{job.pk}/, and there as CSV")


def _mapping(pairs, dataset):
    """`["old=new", …]` as `clean_options` takes it; raises BadOptions."""
    names = {name.casefold(): place for place, name in enumerate(dataset.class_names)} if dataset else {}
    found = {}
    for pair in pairs:
        old, equals, new = (part.strip() for part in pair.partition("="))
        if not old or not equals:
            raise BadOptions("classes", f"--map “{pair}” is not written as OLD=NEW.")
        target = {"to": names[new.casefold()]} if new.casefold() in names else {"new": new}
        found[old] = target if new else None
    return found
