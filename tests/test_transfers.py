"""Giving a dataset or a model to a team and back, with all that hangs on it; and what is a team's from the start."""

import pytest
from django.core.exceptions import PermissionDenied

from apps.accounts.teams.services import remove_member
from apps.core.access import team_for
from apps.core.belongings import TransferRefused, all_of, hand_over, in_words
from apps.core.jobs import create_job
from apps.core.models import AuditEvent, Job
from apps.datasets import services as datasets
from apps.datasets.access import visible_to
from apps.datasets.models import Dataset
from apps.inference.models import Deployment
from apps.models.models import ModelLine, TrainedModel
from apps.models.services import register_model
from apps.training.models import TrainingJob
from conftest import make_team, member

LINE, DATASET = "line", "dataset"


@pytest.fixture
def world(trained_model, alice, bob, ready_dataset):
    """Alice's dataset with a model, its deployment, a training and jobs; bob's training on it, which is his own."""
    Dataset.objects.update(is_public=True)
    for user, name in [(alice, "hers"), (bob, "his")]:
        TrainingJob.objects.create(
            user=user, dataset=ready_dataset, name=name, model_type="yolov8n", epochs=1, batch_size=1, img_size=64,
            patience=1, status="completed",
        )  # fmt: skip
        Job.objects.create(
            owner=user, kind="export", task="x", subject=f"dataset:{ready_dataset.pk}", status="completed"
        )
    deployment = Deployment.objects.create(owner=alice, name="cells", model=trained_model)
    for subject in (f"model:{trained_model.pk}", f"deployment:{deployment.pk}"):
        Job.objects.create(owner=alice, kind="deploy", task="x", subject=subject, status="completed")
    ready_dataset.refresh_from_db()
    return ready_dataset


def whose():
    """{what: {(owner, team)}} of everything."""
    found = {
        name: set(model.objects.values_list("owner__username", "team__name"))
        for name, model in [("line", ModelLine), ("model", TrainedModel), ("deployment", Deployment), ("job", Job)]
    }
    return found | {"training": set(TrainingJob.objects.values_list("user__username", "team__name"))}


def test_a_dataset_takes_everything_along_that_is_its_owners_and_nothing_of_others(world, alice):
    team = make_team(alice)
    assert set(in_words(all_of(DATASET, world), DATASET)) == {
        "3 jobs", "1 model", "1 version", "1 deployment", "1 training",
    }  # fmt: skip
    given = hand_over(alice, DATASET, world, team)
    assert (given.owner, given.team) == (alice, team)
    hers, his = ("alice", "Lab"), ("bob", None)
    assert whose() == {
        "line": {hers}, "model": {hers}, "deployment": {hers}, "job": {hers, his}, "training": {hers, his},
    }  # fmt: skip
    [event] = AuditEvent.objects.filter(verb="transferred")
    assert (event.team_id, event.subject_name, event.detail["to"]) == (team.pk, "Cells", "Lab")


def test_a_dataset_goes_without_its_models_where_that_is_wanted(world, alice):
    hand_over(alice, DATASET, world, make_team(alice), spared=(LINE,))
    assert whose()["line"] == whose()["deployment"] == {("alice", None)}
    assert ("alice", "Lab") in whose()["training"]


def test_taken_out_of_a_team_all_is_its_takers_whoever_made_it(world, alice):
    team = make_team(alice)
    hand_over(alice, DATASET, world, team)
    other = member(team, "owner", "other")
    back = hand_over(other, DATASET, world)
    assert (back.owner, back.team) == (other, None)
    assert whose()["model"] == whose()["deployment"] == {("other", None)}
    assert whose()["training"] == {("other", None), ("bob", None)}
    assert alice.pk not in Dataset.objects.values_list("owner", flat=True)


def test_a_model_takes_its_line_and_deployments_and_lets_go_of_what_is_others(world, alice, trained_model, tmp_path):
    weights = tmp_path / "other.pt"
    weights.write_bytes(b"others")
    other = register_model(
        owner=alice, name="Other", model_type="yolov8n", weights=weights, class_names=["red"], metrics={}
    )
    mine = Deployment.objects.create(owner=alice, name="stays", model=other, previous=trained_model)
    Deployment.objects.filter(name="cells").update(previous=other, shadow=other)
    team = make_team(alice)
    hand_over(alice, LINE, trained_model.line, team)
    cells = Deployment.objects.get(name="cells")
    mine.refresh_from_db()
    assert (cells.team, cells.previous, cells.shadow) == (team, None, None)
    assert (mine.team, mine.model, mine.previous) == (None, other, None)


def test_work_under_way_and_a_name_that_is_taken_hold_a_transfer_up(world, alice, trained_model):
    team = make_team(alice)
    job = Job.objects.create(owner=alice, kind="export", task="x", subject=f"dataset:{world.pk}", status="running")
    with pytest.raises(TransferRefused, match="under way"):
        hand_over(alice, DATASET, world, team)
    Job.objects.filter(pk=job.pk).update(status="cancelled")
    ModelLine.objects.create(owner=alice, team=team, name="Cells v1")
    with pytest.raises(TransferRefused, match="a model “Cells v1” already"):
        hand_over(alice, DATASET, world, team)
    world.refresh_from_db()
    assert world.team is None


def test_only_who_owns_both_sides_transfers(world, alice, bob):
    team = make_team(bob)
    with pytest.raises(PermissionDenied, match="only its owner"):
        hand_over(bob, DATASET, world, team)
    with pytest.raises(PermissionDenied, match="belongs to the team"):
        hand_over(alice, DATASET, world, team)
    own = make_team(alice, "Own")
    hand_over(alice, DATASET, world, own)
    admin = member(own, "admin")
    with pytest.raises(PermissionDenied, match="takes the role of owner"):
        hand_over(admin, DATASET, world)
    with pytest.raises(TransferRefused, match="already"):
        hand_over(alice, DATASET, world, own)


def test_a_page_and_a_call_transfer(world, alice, bob, page_as, api_as, trained_model):
    team = make_team(alice)
    page = page_as(alice).get(f"/datasets/{world.pk}/transfer-to").content.decode()
    assert "1 training" in page
    assert (
        page_as(alice).post(f"/datasets/{world.pk}/transfer-to", {"to": team.pk, "with_models": "on"}).status_code
        == 302
    )
    world.refresh_from_db()
    assert world.team == team
    assert page_as(bob).get(f"/datasets/{world.pk}/transfer-to").status_code == 403
    path = f"/api/v1/models/{trained_model.pk}/transfer"
    assert api_as(alice).post(path, {"team": None}).json()["team"] is None
    assert api_as(alice).post(path, {"team": 10**6}).status_code == 400
    assert api_as(alice).post(path, {"team": team.pk}).json()["team"] == team.pk
    assert api_as(bob).post(path, {"team": None}).status_code == 404


def test_what_is_made_for_a_team_takes_an_admin_of_it(alice, api_as, page_as):
    team = make_team(alice)
    admin, reviewer = member(team, "admin"), member(team, "reviewer")
    made = api_as(admin).post("/api/v1/datasets/", {"name": "Ours", "team": team.pk}, format="json").json()
    assert made["team"] == team.pk
    refused = api_as(reviewer).post("/api/v1/datasets/", {"name": "Ours", "team": team.pk}, format="json")
    assert "admin" in refused.json()["team"][0]
    assert "Belongs to" in page_as(admin).get("/datasets/new").content.decode()
    assert "Belongs to" not in page_as(reviewer).get("/datasets/new").content.decode()
    page_as(admin).post("/datasets/new", {"name": "By page", "task": "detect", "team": team.pk})
    assert set(visible_to(reviewer).values_list("name", flat=True)) == {"Ours", "By page"}
    assert set(Dataset.objects.values_list("team", flat=True)) == {team.pk}


def test_lists_are_narrowed_to_mine_to_us_and_to_a_team(alice, api_as, page_as):
    team, other = make_team(alice), make_team(alice, "Other")
    for name, whose in [("mine", None), ("ours", team), ("theirs", other)]:
        datasets.create_dataset(alice, name, team=whose)
    names = lambda query: {row["name"] for row in api_as(alice).get(f"/api/v1/datasets/{query}").json()["results"]}  # noqa: E731
    assert names("?owner=me") == {"mine"}
    assert names("?owner=us") == {"mine", "ours", "theirs"}
    assert names(f"?team={team.pk}") == {"ours"}
    for page in ("/datasets/", "/models/", "/deployments", "/training/"):
        response = page_as(alice).get(page, {"team": team.pk}, follow=True)
        assert response.status_code == 200
        assert f'<option value="{team.pk}" selected>Lab</option>' in response.content.decode(), page


def test_a_job_is_the_teams_only_where_who_asks_is_in_it(alice, bob):
    team = make_team(alice)
    dataset = datasets.create_dataset(alice, "Ours", team=team, is_public=True)
    assert create_job(alice, "export", "x", about=dataset).team == team
    assert create_job(bob, "export", "x", about=dataset).team is None
    assert team_for(bob, dataset) is None


def test_who_left_keeps_nothing_of_the_teams(alice):
    team = make_team(alice)
    maker = member(team, "admin")
    datasets.create_dataset(maker, "Made by who leaves", team=team)
    job = create_job(maker, "export", "x", about=Dataset.objects.get())
    remove_member(maker, team, maker.pk)
    maker.refresh_from_db()
    assert not visible_to(maker).exists()
    from apps.core.access import jobs_visible_to

    assert not jobs_visible_to(maker).filter(pk=job.pk).exists()
    assert jobs_visible_to(alice).filter(pk=job.pk).exists()
