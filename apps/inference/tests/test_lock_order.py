"""Two that bring models behind names at the same moment: neither waits for what the other one holds."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apps.inference import services
from apps.inference.models import Deployment
from apps.models import services as models

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one lock, for all there is"),
]
PATIENCE = 1.0  # seconds: who waits in vain was kept out by a lock, as it should be


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


@pytest.fixture
def at_once(monkeypatch):
    """`at_once(switch, deploy)`: both in threads of their own that meet; raises what either raises."""
    monkeypatch.setattr(models, "mark_deployed", Meeting(models.mark_deployed))

    def closing(work):
        try:
            return work()
        finally:
            connection.close()

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
    assert Deployment.objects.filter(is_active=True, model=model).count() == 2
