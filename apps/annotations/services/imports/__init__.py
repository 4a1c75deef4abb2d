"""Importing an archive of images and labels: what was asked, the run, its report, and taking it back."""

from apps.annotations.services.imports.options import BadOptions, ImportOptions, clean_options
from apps.annotations.services.imports.run import run_import
from apps.annotations.services.imports.start import import_here, start_import
from apps.annotations.services.imports.undo import imported_images, undo_import

__all__ = [
    "BadOptions",
    "ImportOptions",
    "clean_options",
    "import_here",
    "imported_images",
    "run_import",
    "start_import",
    "undo_import",
]
