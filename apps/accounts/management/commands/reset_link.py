from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q

from apps.accounts.models import User
from apps.accounts.services import make_reset_link


class Command(BaseCommand):
    help = "Make a link on which a person sets a new password; good once, for PASSWORD_RESET_HOURS."

    def add_arguments(self, parser):
        parser.add_argument("name", help="The username or the email.")

    def handle(self, name, **options):
        user = User.objects.filter(Q(username__iexact=name) | Q(email__iexact=name), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user “{name}”.")
        if not settings.PUBLIC_URL:
            self.stderr.write("PUBLIC_URL is not set: put the platform's address in front.")
        self.stdout.write(make_reset_link(user, site=settings.PUBLIC_URL))
