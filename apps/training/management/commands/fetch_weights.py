"""`manage.py fetch_weights yolo11n …`: bring pretrained weights to this machine, or say where to put them."""

from django.core.management.base import BaseCommand, CommandError

from apps.training.registry import MODEL_TYPES, architectures
from apps.training.weights import NoWeights, at_hand, fetch_weights, weights_path


class Command(BaseCommand):
    help = "Download pretrained weights once, for trainings that start from them. With no name, list what is here."

    def add_arguments(self, parser):
        parser.add_argument("names", nargs="*", help="architectures, as yolo11n; “all” for every one")
        parser.add_argument("--list", action="store_true", help="list every architecture and whether it is here")

    def handle(self, *args, names, **options):
        if options["list"] or not names:
            self.list()
        else:
            self.bring(names)

    def bring(self, names):
        """Fetch what is named; raises CommandError where some of it is not here afterwards."""
        wanted = MODEL_TYPES if names == ["all"] else names
        if unknown := sorted(set(wanted) - set(MODEL_TYPES)):
            raise CommandError(f"Not known: {', '.join(unknown)}. Known: {', '.join(MODEL_TYPES)}.")
        missing = [name for name in wanted if not self.fetch(name)]
        if missing:
            raise CommandError(f"{len(missing)} of {len(wanted)} are not here.")

    def fetch(self, name):
        """Whether the weights are here now."""
        before = at_hand(name)
        try:
            path = fetch_weights(name)
        except NoWeights as reason:
            self.stderr.write(str(reason))
            return False
        self.stdout.write(f"{path} {'was here already' if before else f'({path.stat().st_size / 2**20:.1f} MB)'}")
        return True

    def list(self):
        self.stdout.write(f"Pretrained weights are kept in {weights_path('x').parent}:")
        for name, architecture in architectures().items():
            mark = "here" if at_hand(name) else "–"
            self.stdout.write(f"  {name:<10} {mark:<5} {architecture.costs}")
