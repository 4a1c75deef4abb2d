"""`manage.py measure_architectures`: what each architecture costs, measured with the installed ultralytics."""

import json
import tempfile
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from apps.core.processes import Engine, EngineDied
from apps.training.registry import MODEL_TYPES, TABLE

ENGINE = "apps.training.engine.measure"
FIGURES = ("parameters_m", "gflops", "activation_mb")


class Command(BaseCommand):
    help = "Build every architecture, measure what it costs, and write apps/training/architectures.json."

    def add_arguments(self, parser):
        parser.add_argument("names", nargs="*", help="only these; the others keep their figures")

    def handle(self, *args, names, **options):
        if unknown := sorted(set(names) - set(MODEL_TYPES)):
            raise CommandError(f"Not known: {', '.join(unknown)}. Known: {', '.join(MODEL_TYPES)}.")
        measured, version = self.measure(names or MODEL_TYPES)
        kept = json.loads(TABLE.read_text())["architectures"] if names and TABLE.exists() else {}
        rows = {name: (kept | measured)[name] for name in MODEL_TYPES if name in kept | measured}
        draft = TABLE.with_suffix(".draft")
        draft.write_text(json.dumps({"ultralytics": version, "architectures": rows}, indent=1) + "\n")
        draft.replace(TABLE)
        self.stdout.write(f"{len(measured)} measured, {TABLE} written")

    def measure(self, names):
        """Figures by name, and the version of ultralytics; raises CommandError where the engine fails."""
        measured, version = {}, ""
        with tempfile.TemporaryDirectory() as folder:
            payload = {"architectures": list(names), "config_dir": folder}
            try:
                with Engine(ENGINE, payload, Path(folder), Path(folder) / "log.txt") as engine:
                    for event in filter(None, engine.events()):
                        if event["event"] == "failed":
                            raise CommandError(event["message"])
                        if event["event"] == "measured":
                            version = event["ultralytics"]
                            measured[event["name"]] = {name: event[name] for name in FIGURES}
                            self.stdout.write(f"{event['name']}: {measured[event['name']]}")
            except EngineDied as death:
                raise CommandError(f"The measuring process {death}.\n{death.tail}") from None
        return measured, version
