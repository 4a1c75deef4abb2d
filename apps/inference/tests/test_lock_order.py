"""Those who bring models behind names at the same moment: none waits for what another one holds for ever."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.http import Http404

from apps.core.jobs import run_job
from apps.inference import services
from apps.inference.models import Deployment
from apps.inference.services import switching
from apps.inference.shadow import settings as shadow
from apps.inference.tests.fakes import make_version
from apps.models import services as models
from apps.models.models import TrainedModel

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock, for all there is"),
]
PATIENCE = 1.0  # seconds: who waits in vain was kept out by a lock, as it should be
HANDS, DEEDS = 5, 40
REFUSED = (
    services.SwitchRefused, services.DeploymentRefused, shadow.ShadowRefused, models.NotDeployable, models.StageRefused,
    models.DeleteRefused, Http404,
)  # fmt: skip


class Meeting:
    """Each thread stops at `mark_deployed` until the other one has locked something too, or cannot."""

    def __init__(self, mark_deployed):
        self.mark_deployed = mark_deployed
        self.switch_is_here, self.model_is_locked = threading.Event(), threading.Event()

    def __call__(self, *about):
        if threading.current_thread().name.startswith("switch"):
            self.switch_is_here.set()
            self.model_is_locked.wait(PATIENCE)
            return self.mark_deployed(*about)
        marked = self.mark_deployed(*about)
        self.model_is_locked.set()
        self.switch_is_here.wait(PATIENCE)
        return marked


def closing(work, *about):
    try:
        return work(*about)
    finally:
        connection.close()


@pytest.fixture
def at_once(monkeypatch):
    """`at_once(switch, deploy)`: both in threads of their own that meet; raises what either raises."""
    monkeypatch.setattr(models, "mark_deployed", Meeting(models.mark_deployed))

    def run(switch, deploy):
        with ThreadPoolExecutor(1, "switch") as first, ThreadPoolExecutor(1, "deploy") as second:
            asked = [first.submit(closing, switch), second.submit(closing, deploy)]
        return [one.result() for one in asked]

    return run


def test_a_first_switch_and_a_deploy_of_the_same_model_both_come_through(versions, alice, at_once):
    model = versions[0]
    empty = services.create_deployment(alice, "Cells")
    at_once(
        lambda: services.start_switch(empty, model, alice),
        lambda: services.deploy_model(model, alice),
    )
    assert Deployment.objects.get().model == model


def test_a_paused_name_goes_on_while_its_model_is_deployed_elsewhere(versions, alice, at_once):
    model = versions[0]
    services.deploy_model(model, alice)
    paused = Deployment.objects.get()
    services.undeploy_model(model)
    paused.refresh_from_db()
    at_once(
        lambda: services.update_deployment(paused, alice, name="Cells of the lab", is_active=True),
        lambda: services.deploy_model(model, alice),
    )
    paused.refresh_from_db()
    assert (paused.name, paused.is_active, paused.model.is_deployed) == ("Cells of the lab", True, True)


class Hand:
    """Somebody who does one thing after the other to whatever there is."""

    def __init__(self, owner, dataset, seed):
        self.owner, self.dataset, self.random, self.did = owner, dataset, random.Random(seed), 0

    def work(self):
        for _ in range(DEEDS):
            model = TrainedModel.objects.select_related("line").order_by("?").first()
            deployment = Deployment.objects.order_by("?").first()
            try:
                self._deed(model, deployment)
            except REFUSED:
                continue
            self.did += 1

    def _deed(self, model, deployment):
        name = str(self.random.random())
        stage = self.random.choice(TrainedModel.Stage.values)
        self.random.choice(
            [
                lambda: services.deploy_model(model, self.owner),
                lambda: services.undeploy_model(model, self.owner),
                lambda: self._switch(deployment, model),
                lambda: self._switch(deployment, model),
                lambda: services.go_back(deployment, self.owner),
                lambda: services.update_deployment(deployment, self.owner, is_active=not deployment.is_active),
                lambda: services.update_deployment(deployment, self.owner, name=name),
                lambda: shadow.start_shadow(deployment, model, 0.5, self.owner),
                lambda: shadow.stop_shadow(deployment),
                lambda: services.create_deployment(self.owner, name),
                lambda: Deployment.objects.count() > 2 and services.delete_deployment(deployment, self.owner),
                lambda: models.update_model(model, self.owner, stage=stage, description=name),
                lambda: make_version(self.dataset, self.owner, self.random.randrange(10**9)),
                lambda: TrainedModel.objects.count() > 3 and models.delete_model(model, self.owner),
            ]
        )()

    def _switch(self, deployment, model):
        switch = services.start_switch(deployment, model, self.owner, overrule="tested")
        if switch.job_id:
            run_job(switch.job_id, switching.run_switch)


def test_many_hands_at_once_are_refused_or_come_through(versions, ready_dataset, alice):
    services.create_deployment(alice, "one")
    services.create_deployment(alice, "two")
    hands = [Hand(alice, ready_dataset, seed) for seed in range(HANDS)]
    with ThreadPoolExecutor(HANDS) as pool:
        done = [pool.submit(closing, hand.work) for hand in hands]
    for one in done:
        one.result()
    assert sum(hand.did for hand in hands) > HANDS * DEEDS / 3
    for deployment in Deployment.objects.filter(is_active=True, model__isnull=False):
        assert deployment.model.is_deployed
        assert deployment.model.stage == TrainedModel.Stage.LIVE
