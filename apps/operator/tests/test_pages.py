import pytest
from django.core.cache import cache
from django.utils import timezone
from django_celery_results.models import TaskResult

from apps.accounts.teams.services import create_team
from apps.core.models import AuditEvent, Upload
from apps.core.usage import by_holder, used_by
from apps.datasets.models import DatasetImage
from apps.operator import now
from apps.training.models import Trainer
from conftest import person

PAGES = ("workers", "storage", "retention")
TASKS = "/admin/django_celery_results/taskresult/"


@pytest.fixture(autouse=True)
def fresh():
    now.forget()
    yield
    now.forget()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No worker is here to be waited for."""
    monkeypatch.setattr(now, "ASKED_SECONDS", 0.05)


@pytest.mark.parametrize("page", PAGES)
def test_pages_are_for_superusers_only(page, page_as, alice):
    address = f"/admin/operator/{page}/"
    clerk = person("clerk", is_staff=True)
    for method in ("get", "post"):
        assert getattr(page_as(clerk), method)(address).status_code == 403
        for outsider in (alice, None):
            answer = getattr(page_as(outsider), method)(address)
            assert answer.status_code == 302
            assert answer["Location"].startswith("/admin/login/")
    assert not AuditEvent.objects.filter(verb="retention started").exists()


def test_index_links_the_pages_for_superusers(page_as, operator):
    text = page_as(operator).get("/admin/").text
    assert all(f'href="/admin/operator/{page}/"' in text for page in PAGES)
    assert "/admin/operator/" not in page_as(person("clerk", is_staff=True)).get("/admin/").text


def test_workers_page_says_what_waits_and_who_is_missing(page_as, operator):
    text = page_as(operator).get("/admin/operator/workers/").text
    assert "No worker answered within a second" in text
    assert "No trainer is here" in text
    assert "<script" not in text.partition('id="content-main"')[2].partition("<footer")[0]


def test_workers_page_shows_workers_with_tasks_and_trainers(page_as, operator):
    task = {"name": "apps.core.tasks.sweep_jobs", "arguments": "[<b>]", "since": timezone.now()}
    cache.set(now.KEY, [now.Worker("celery@one", ["default"], 2, 75, [task])], 60)
    Trainer.objects.create(name="trainer@gpu1", slots=2, heartbeat_at=timezone.now())
    text = page_as(operator).get("/admin/operator/workers/").text
    assert "celery@one" in text
    assert "1 min 15 s" in text
    assert "trainer@gpu1" in text
    assert "apps.core.tasks.sweep_jobs[&lt;b&gt;]" in text


def test_storage_page_sums_by_owner_most_first(page_as, operator, alice, bob):
    later = timezone.now() + timezone.timedelta(days=1)
    for owner, size in ((alice, 2048), (alice, 1024), (bob, 5120)):
        Upload.objects.create(owner=owner, filename="a.zip", size=9999, offset=size, expires_at=later)
    text = page_as(operator).get("/admin/operator/storage/").text.replace("\xa0", " ")
    assert text.index(">bob<") < text.index("5.0 KB") < text.index(">alice<") < text.index("3.0 KB")
    assert "8.0 KB" in text  # of all


def test_what_a_team_has_is_the_teams_and_not_its_makers(page_as, operator, alice, dataset):
    team = create_team(alice, "Roads")
    DatasetImage.objects.create(dataset=dataset, filename="a.jpg", sha256="a", num_bytes=3000, width=1, height=1)
    assert used_by(owner=alice.pk) == 3000
    type(dataset).objects.filter(pk=dataset.pk).update(team=team)
    assert (used_by(owner=alice.pk), used_by(team=team.pk)) == (0, 3000)
    assert by_holder() == {("team", team.pk): {"Images": 3000}}
    assert "Roads" in page_as(operator).get("/admin/operator/storage/").text


@pytest.mark.usefixtures("run_tasks_at_once")
def test_retention_asks_before_it_deletes(page_as, operator, alice):
    Upload.objects.create(owner=alice, filename="a.zip", size=9, expires_at=timezone.now())
    browser = page_as(operator)
    assert "Uploads that no job took" in browser.get("/admin/operator/retention/").text
    asked = browser.get("/admin/operator/retention/?now").text
    assert "Yes, delete it now" in asked
    assert Upload.objects.exists()
    assert "is being deleted" in browser.post("/admin/operator/retention/", follow=True).text
    assert not Upload.objects.exists()
    assert AuditEvent.objects.get(verb="retention started").actor_name == "operator"


def test_failed_tasks_are_read_with_their_traceback_and_not_changed(page_as, operator):
    row = TaskResult.objects.create(
        task_id="a1", task_name="apps.x", status="FAILURE", traceback="Traceback…\nValueError: a <b>"
    )
    browser = page_as(operator)
    assert "ValueError: a &lt;b&gt;" in browser.get(f"{TASKS}?status__exact=FAILURE").text
    page = browser.get(f"{TASKS}{row.pk}/change/").text
    assert '<pre class="traceback">Traceback…\nValueError: a &lt;b&gt;</pre>' in page
    assert "_save" not in page
    assert browser.get(f"{TASKS}add/").status_code == 403
