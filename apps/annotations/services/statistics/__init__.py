"""What is in a dataset, as numbers: counted once, kept, and counted anew when it changed."""

from apps.annotations.services.statistics.answer import dataset_statistics, positions_of_class, who_labelled
from apps.annotations.services.statistics.kept import run_recount

__all__ = ["dataset_statistics", "positions_of_class", "run_recount", "who_labelled"]
