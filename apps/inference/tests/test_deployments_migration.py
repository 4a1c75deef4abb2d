"""Models that were deployed before there were deployments."""

import pytest
from django.db import connection

from apps.core.steps import step_by_step

BEFORE, AFTER = ("inference", "0002_deployments"), ("inference", "0003_deployments_of_deployed_models")


def migrate(target):
    executor = step_by_step(connection)
    executor.migrate([target])
    people = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "accounts"]  # whose tables stay as new
    return step_by_step(connection).loader.project_state([target, *people]).apps


@pytest.mark.django_db(transaction=True)
def test_a_deployed_model_answers_for_its_line_and_of_several_versions_the_newest_does():
    newest = step_by_step(connection).loader.graph.leaf_nodes()
    try:
        apps = migrate(BEFORE)
        owner = apps.get_model("accounts", "User").objects.create(username="a", email="a@x.org")
        line = apps.get_model("models", "ModelLine").objects.create(owner=owner, name="Cells")
        models = [
            apps.get_model("models", "TrainedModel").objects.create(
                owner=owner, line=line, number=number, model_type="yolov8n", sha256="x", is_deployed=number < 3
            )
            for number in (1, 2, 3)
        ]
        apps = migrate(AFTER)
        made = apps.get_model("inference", "Deployment").objects.get()
        assert (made.name, made.owner_id, made.model_id, made.is_active) == ("Cells", owner.pk, models[1].pk, True)
        assert made.switches.get().state == "done"
    finally:
        step_by_step(connection).migrate(newest)
