"""Migrations one by one."""

from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader


class EachStep(MigrationLoader):
    """Knows every step, and none of the files that take several as one (docs/decisions/057-all-steps-as-one.md)."""

    def __init__(self, connection):
        super().__init__(connection, replace_migrations=False)

    def build_graph(self):
        super().build_graph()
        for key, migration in self.replacements.items():
            self.graph.remove_replacement_node(key, migration.replaces)


def step_by_step(connection):
    """An executor of each step, for going to one that is not the newest; those that were taken as one count, too."""
    executor = MigrationExecutor(connection)
    executor.loader = EachStep(connection)
    return executor
