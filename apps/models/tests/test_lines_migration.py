"""Models that were made before there were lines."""

import pytest
from django.db import connection

from apps.core.steps import step_by_step

BEFORE, AFTER = ("models", "0002_evaluations"), ("models", "0005_every_model_has_a_line")


def migrate(target):
    executor = step_by_step(connection)
    executor.migrate([target])
    people = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "accounts"]  # whose tables stay as new
    return step_by_step(connection).loader.project_state([target, *people]).apps


@pytest.mark.django_db(transaction=True)
def test_models_of_one_name_become_versions_of_one_line_and_have_their_names_again_on_the_way_back():
    newest = step_by_step(connection).loader.graph.leaf_nodes()
    try:
        apps = migrate(BEFORE)
        people = [apps.get_model("accounts", "User").objects.create(username=n, email=f"{n}@x.org") for n in "ab"]
        make = apps.get_model("models", "TrainedModel").objects.create
        for owner, name in ((0, "Cells"), (1, "Cells"), (0, "Cars"), (0, "Cells")):
            make(owner_id=people[owner].pk, name=name, model_type="yolov8n", sha256="x")
        apps = migrate(AFTER)
        rows = apps.get_model("models", "TrainedModel").objects.order_by("pk")
        told = list(rows.values_list("line__name", "line__owner__username", "number", "licence", "stage"))
        assert [row[:3] for row in told] == [("Cells", "a", 1), ("Cells", "b", 1), ("Cars", "a", 1), ("Cells", "a", 2)]
        assert {row[3:] for row in told} == {("AGPL-3.0", "candidate")}
        assert apps.get_model("models", "ModelLine").objects.get(name="Cells", owner__username="a").versions_made == 2
        apps = migrate(BEFORE)
        names = apps.get_model("models", "TrainedModel").objects.order_by("pk").values_list("name", flat=True)
        assert list(names) == ["Cells", "Cells", "Cars", "Cells"]
    finally:
        step_by_step(connection).migrate(newest)
