from django.core.management.base import BaseCommand

from apps.core.statics import collect_static


class Command(BaseCommand):
    help = "Collect the static files that pages use, where any of them changed."

    def handle(self, **options):
        collect_static()
