"""Every rule of access, for every role: who gets the row (yes), is refused (403), or is told that it is not there."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404

from apps.accounts.teams import access as teams
from apps.accounts.teams.services import remove_member
from apps.annotations import access as annotations
from apps.annotations.models import Annotation
from apps.annotations.services.labels import save_labels
from apps.annotations.services.versions import create_version
from apps.core import access as core
from apps.core.access import ROLES, Right
from apps.core.models import Job
from apps.datasets import access as datasets
from apps.datasets import services
from apps.datasets.models import Dataset
from apps.inference import access as inference
from apps.inference.models import Deployment
from apps.models import access as models
from apps.models.models import Evaluation, ModelExport, ModelLine, TrainedModel
from apps.training import access as training
from apps.training.models import TrainingJob
from conftest import box, make_team, member, person, upload

SEE, INSIDE, LABEL, REVIEW, EDIT, MANAGE = (
    Right.SEE, Right.INSIDE, Right.LABEL, Right.REVIEW, Right.EDIT, Right.MANAGE,
)  # fmt: skip
PRIVATE = "nobody else even where the team's things are public"

# A call with the person and what the team has, the least right that it takes, and whether it stays closed to others
# where all that can be is public.
RULES = {
    "dataset": (lambda u, t: datasets.get_dataset(u, t.dataset.pk), SEE, ""),
    "dataset to edit": (lambda u, t: datasets.get_dataset_to_edit(u, t.dataset.pk), EDIT, ""),
    "dataset to review": (lambda u, t: datasets.get_dataset_to_review(u, t.dataset.pk), REVIEW, ""),
    "image": (lambda u, t: datasets.get_image(u, t.dataset.pk, t.image.pk), SEE, ""),
    "image or trashed": (lambda u, t: datasets.get_image_or_trashed(u, t.dataset.pk, t.image.pk), SEE, ""),
    "image to label": (lambda u, t: datasets.get_image_to_label(u, t.dataset.pk, t.image.pk), LABEL, ""),
    "image to review": (lambda u, t: datasets.get_image_to_review(u, t.dataset.pk, t.image.pk), REVIEW, ""),
    "image to edit": (lambda u, t: datasets.get_image_to_edit(u, t.dataset.pk, t.image.pk), EDIT, ""),
    "annotation": (lambda u, t: annotations.get_annotation(u, t.dataset.pk, t.label.pk), SEE, ""),
    "annotation to label": (lambda u, t: annotations.get_annotation_to_label(u, t.dataset.pk, t.label.pk), LABEL, ""),
    "version": (lambda u, t: annotations.get_version(u, t.dataset.pk, 1), SEE, ""),
    "version to edit": (lambda u, t: annotations.get_version_to_edit(u, t.dataset.pk, 1), EDIT, ""),
    "model": (lambda u, t: models.get_model(u, t.model.pk), SEE, ""),
    "model inside": (lambda u, t: models.get_model_inside(u, t.model.pk), INSIDE, ""),
    "model to edit": (lambda u, t: models.get_model_to_edit(u, t.model.pk), EDIT, ""),
    "evaluation": (lambda u, t: models.get_evaluation(u, t.model.pk, t.evaluation.pk), SEE, ""),
    "export": (lambda u, t: models.get_export(u, t.model.pk, t.export.pk), SEE, ""),
    "export to edit": (lambda u, t: models.get_export_to_edit(u, t.model.pk, t.export.pk), EDIT, ""),
    "deployment": (lambda u, t: inference.get_deployment(u, t.deployment.pk), SEE, ""),
    "deployment inside": (lambda u, t: inference.get_deployment_inside(u, t.deployment.pk), INSIDE, ""),
    "deployment to edit": (lambda u, t: inference.get_deployment_to_edit(u, t.deployment.pk), EDIT, ""),
    "deployment to ask by its name": (lambda u, t: inference.find_to_ask(u, name="cells"), SEE, ""),
    "training": (lambda u, t: training.get_job(u, t.training.pk), INSIDE, PRIVATE),
    "training to steer": (lambda u, t: training.get_job_to_steer(u, t.training.pk), EDIT, PRIVATE),
    "job": (lambda u, t: core.get_job(u, t.job.pk), INSIDE, PRIVATE),
    "job to steer": (lambda u, t: core.get_job_to_steer(u, t.job.pk), EDIT, PRIVATE),
    "team": (lambda u, t: teams.get_team(u, t.team.pk), INSIDE, PRIVATE),
    "team to bring people in": (lambda u, t: teams.get_team(u, t.team.pk, EDIT), EDIT, PRIVATE),
    "team to delete": (lambda u, t: teams.get_team(u, t.team.pk, MANAGE), MANAGE, PRIVATE),
}
# The same for rules that answer with rows or with yes and no.
LISTS = {
    "datasets": (lambda u, t: datasets.visible_to(u).filter(pk=t.dataset.pk).exists(), SEE, ""),
    "datasets held": (lambda u, t: datasets.held_by(u).filter(pk=t.dataset.pk).exists(), INSIDE, PRIVATE),
    "name of a dataset": (lambda u, t: datasets.named(u, t.dataset.pk), SEE, ""),
    "may edit a dataset": (lambda u, t: datasets.may_edit(u, t.dataset), EDIT, PRIVATE),
    "may review": (lambda u, t: datasets.may_review(u, t.dataset), REVIEW, PRIVATE),
    "may label": (lambda u, t: datasets.may_label(u, t.dataset), LABEL, PRIVATE),
    "models": (lambda u, t: models.visible_to(u).filter(pk=t.model.pk).exists(), SEE, ""),
    "models to start with": (lambda u, t: models.startable_by(u).filter(pk=t.model.pk).exists(), SEE, ""),
    "name of a model": (lambda u, t: models.named(u, t.model.pk), SEE, ""),
    "may edit a model": (lambda u, t: models.may_edit(u, t.model), EDIT, PRIVATE),
    "versions of a line": (lambda u, t: models.versions_visible_to(u, t.model).exists(), SEE, ""),
    "evaluations": (lambda u, t: models.evaluations_visible_to(u, t.model).exists(), SEE, ""),
    "deployments": (lambda u, t: inference.deployments_visible_to(u).exists(), SEE, ""),
    "deployments of a model": (lambda u, t: inference.deployments_of(u, t.model).exists(), SEE, ""),
    "may edit a deployment": (lambda u, t: inference.may_edit(u, t.deployment), EDIT, PRIVATE),
    "is inside a deployment": (lambda u, t: inference.is_inside(u, t.deployment), INSIDE, PRIVATE),
    "datasets to capture into": (lambda u, t: inference.datasets_to_capture_into(u).exists(), EDIT, PRIVATE),
    "versions to judge on": (lambda u, t: inference.versions_to_judge_on(u).exists(), SEE, ""),
    "trainings": (lambda u, t: training.visible_to(u).exists(), INSIDE, PRIVATE),
    "may steer a training": (lambda u, t: training.may_steer(u, t.training), EDIT, PRIVATE),
    "jobs": (lambda u, t: core.jobs_visible_to(u).exists(), INSIDE, PRIVATE),
    "may steer a job": (lambda u, t: core.may_steer(u, t.job), EDIT, PRIVATE),
    "teams": (lambda u, t: teams.teams_visible_to(u).filter(pk=t.team.pk).exists(), INSIDE, PRIVATE),
}  # fmt: skip


class Things:
    """One of everything that a team can have, made by somebody who has left since."""

    def __init__(self, team, maker):
        self.team = team
        whose = {"owner": maker, "team": team}
        self.dataset = services.create_dataset(**whose, name="Cells", class_names=["red"])
        [self.image] = services.add_images(self.dataset, [upload("a.png", seed=1)])["created"]
        self.image.dataset = self.dataset
        save_labels(self.image, 0, [box()], maker)
        self.label = Annotation.objects.get()
        version, _ = create_version(self.dataset, maker)
        line = ModelLine.objects.create(**whose, name="cells")
        self.model = TrainedModel.objects.create(
            **whose, line=line, number=1, model_type="yolov8n", sha256="x", dataset_version=version, serving_file="x",
            class_names=["red"],
        )  # fmt: skip
        self.evaluation = Evaluation.objects.create(model=self.model, dataset_version=version, split="val")
        self.export = ModelExport.objects.create(model=self.model, format="onnx", img_size=64)
        self.deployment = Deployment.objects.create(**whose, name="cells", model=self.model)
        self.training = TrainingJob.objects.create(
            user=maker, team=team, dataset=self.dataset, dataset_version=version, name="x", model_type="yolov8n",
            epochs=1, batch_size=1, img_size=64, patience=1,
        )  # fmt: skip
        self.job = Job.objects.create(**whose, kind="export", task="x", subject=f"dataset:{self.dataset.pk}")

    def publish(self):
        for model in (Dataset, TrainedModel, Deployment):
            model.objects.update(is_public=True)
        for row in (self.dataset, self.model, self.deployment):
            row.refresh_from_db()


@pytest.fixture
def things(team):
    maker = member(team, "admin", "maker")
    made = Things(team, maker)
    remove_member(maker, team, maker.pk)
    maker.refresh_from_db()
    made.maker = maker
    return made


@pytest.fixture
def people(things, team, operator):
    """{who: (person, right by role)}"""
    known = {role: (member(team, role, f"the-{role}"), right) for role, right in ROLES.items()}
    outsider = person("outsider")
    other = person("owner-of-another")
    known |= {"outsider": (outsider, 0), "who made it and left": (things.maker, 0), "of another team": (other, 0)}
    make_team(other, "Others")
    return known | {"operator": (operator, Right.MANAGE)}


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
def test_each_rule_gives_the_row_refuses_or_hides_it(things, people, public):
    if public:
        things.publish()
    wrong = []
    for name, (rule, needed, closed) in RULES.items():
        for who, (user, held) in people.items():
            sees = held >= Right.INSIDE or (public and not closed)
            expected = "yes" if held >= needed or (sees and needed == SEE) else "403" if sees else "404"
            if (got := _outcome(rule, user, things)) != expected:
                wrong.append(f"{name}: {who} gets {got}, not {expected}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
def test_each_list_and_each_button_is_for_who_has_the_right(things, people, public):
    if public:
        things.publish()
    wrong = []
    for name, (rule, needed, closed) in LISTS.items():
        for who, (user, held) in people.items():
            expected = held >= needed or (public and not closed and needed == SEE)
            if bool(rule(user, things)) != expected:
                wrong.append(f"{name}: {who} {'should' if expected else 'should not'}")
    assert not wrong, "\n".join(wrong)


def _outcome(rule, user, things):
    try:
        rule(user, things)
    except Http404:
        return "404"
    except PermissionDenied:
        return "403"
    return "yes"


def test_a_model_that_is_not_deployed_is_asked_by_its_team_alone(things, people):
    things.publish()
    asked = {who for who, (user, _) in people.items() if inference.answering_to(user).filter(pk=things.model.pk)}
    found = {who for who, (user, _) in people.items() if _outcome(_ask, user, things) == "yes"}
    assert asked == found == set(ROLES)


def _ask(user, things):
    inference.get_model_to_ask(user, things.model.pk)


def test_nobody_sees_only_what_is_public(things):
    nobody = AnonymousUser()
    assert not datasets.visible_to(nobody).exists()
    assert core.right_to(nobody, things.dataset) == Right.NONE
    things.publish()
    assert datasets.visible_to(nobody).exists()
    assert core.right_to(nobody, things.dataset) == Right.SEE
    assert not core.rows_held(Dataset.objects.all(), nobody).exists()


def test_refusal_names_the_role_that_it_takes_and_the_one_that_is_held(things, team):
    with pytest.raises(PermissionDenied, match=r"takes the role of admin in the team “Lab”, and yours is labeller"):
        datasets.get_dataset_to_edit(member(team, "labeller"), things.dataset.pk)
    things.publish()
    with pytest.raises(PermissionDenied, match=r"belongs to the team “Lab”"):
        datasets.get_dataset_to_edit(person("reader"), things.dataset.pk)


def test_training_on_a_teams_dataset_takes_an_admin_and_on_a_public_one_only_sight(things, team):
    reviewer, admin, outsider = member(team, "reviewer"), member(team, "admin"), person("reader")
    things.publish()
    assert training.get_dataset_to_train_on(admin, things.dataset.pk)
    assert training.get_dataset_to_train_on(outsider, things.dataset.pk)
    with pytest.raises(PermissionDenied, match="takes the role of admin"):
        training.get_dataset_to_train_on(reviewer, things.dataset.pk)
    may = [datasets.may_train_on(user, things.dataset) for user in (admin, outsider, reviewer)]
    assert may == [True, True, False]


def test_ones_own_name_goes_before_ones_teams_and_that_before_a_public_one(things, team, bob):
    insider = member(team, "viewer")
    model = TrainedModel.objects.get()
    Deployment.objects.create(owner=bob, name="cells", model=model, is_public=True)
    assert inference.find_to_ask(insider, name="cells")[0].team_id == team.pk
    own = Deployment.objects.create(owner=insider, name="cells", model=model)
    assert inference.find_to_ask(insider, name="cells")[0] == own
    assert inference.find_to_ask(person("reader"), name="cells")[0].owner == bob


def test_a_teams_paused_name_says_so_to_its_members_alone(things, team):
    Deployment.objects.update(is_active=False)
    with pytest.raises(inference.NotAnswering, match="is paused"):
        inference.find_to_ask(member(team, "viewer"), name="cells")
    with pytest.raises(Http404):
        inference.find_to_ask(person("reader"), name="cells")
