"""The pages and the API of webhooks: who may, and what they show."""

import ipaddress

import pytest
from celery import current_app

from apps.core.models import AuditEvent, Delivery, Job, Webhook
from apps.core.webhooks import services
from apps.core.webhooks.telling import tell

pytestmark = pytest.mark.django_db
ASKED = {"url": "https://example.org/hook", "events": ["training.finished", "import.failed"], "description": "CI"}


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    monkeypatch.setattr(current_app, "send_task", lambda *args, **kw: None)


@pytest.fixture
def hook(alice):
    return services.create_webhook(alice, **ASKED)


@pytest.fixture
def delivery(hook, alice):
    tell("training.finished", Job(owner=alice), {"training_id": 3})
    row = Delivery.objects.get()
    Delivery.objects.update(
        status="failed",
        due_at=None,
        attempts=[{"at": "2026-01-01T00:00:00", "error": "Nothing listens", "seconds": 0.1}],
    )
    row.refresh_from_db()
    return row


def test_a_webhook_is_made_over_the_api_and_its_secret_shown_once(api_as, alice):
    made = api_as(alice).post("/api/v1/webhooks", ASKED)
    assert made.status_code == 201
    assert made.data["secret"].startswith("whsec_")
    shown = api_as(alice).get(f"/api/v1/webhooks/{made.data['id']}").data
    assert "secret" not in shown
    assert (shown["url"], shown["events"], shown["is_active"]) == (ASKED["url"], ASKED["events"], True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"url": "http://10.0.0.1/"}, "url"), ({"url": "ftp://x"}, "url"), ({"events": []}, "events"),
     ({"events": ["no.such"]}, "events"), ({"url": "x" * 501}, "url")],
)  # fmt: skip
def test_what_is_wrong_is_named(api_as, alice, wrong, field):
    answer = api_as(alice).post("/api/v1/webhooks", {**ASKED, **wrong})
    assert answer.status_code == 400
    assert field in answer.data
    assert not Webhook.objects.exists()


def test_a_webhook_is_changed_switched_and_deleted_over_the_api(api_as, alice, hook):
    api, address = api_as(alice), f"/api/v1/webhooks/{hook.pk}"
    assert api.patch(address, {"is_active": False, "events": ["export.failed"]}).data["events"] == ["export.failed"]
    assert api.patch(address, {"url": "http://127.0.0.1/"}).status_code == 400
    secret = api.post(f"{address}/secret").data["secret"]
    assert secret not in ("", hook.secret)
    assert api.delete(address).status_code == 204
    assert not Webhook.objects.exists()


def test_a_test_and_a_replay_over_the_api(api_as, alice, hook, delivery):
    api, address = api_as(alice), f"/api/v1/webhooks/{hook.pk}"
    assert api.post(f"{address}/test").status_code == 202
    again = api.post(f"{address}/deliveries/{delivery.pk}/replay")
    assert (again.status_code, again.data["status"]) == (202, "pending")
    assert api.post(f"{address}/deliveries/{delivery.pk}/replay").status_code == 409
    assert {row["event"] for row in api.get(f"{address}/deliveries").data["results"]} == {"test", "training.finished"}


PATHS = ["", "/test", "/secret", "/deliveries", "/deliveries/{delivery}/replay"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["get", "post", "patch", "delete"])
def test_an_outsider_finds_nothing(api_as, carol, hook, delivery, path, method):
    address = f"/api/v1/webhooks/{hook.pk}{path.format(delivery=delivery.pk)}"
    assert getattr(api_as(carol), method)(address).status_code in (404, 405)
    assert getattr(api_as(None), method)(address).status_code == 401
    assert Webhook.objects.get() == hook
    assert Delivery.objects.count() == 1


@pytest.mark.parametrize(
    "path", ["", "/switch", "/test", "/secret", "/delete", "/deliveries/{delivery}/again"]
)  # fmt: skip
def test_an_outsider_finds_no_page(page_as, carol, hook, delivery, path):
    address = f"/webhooks/{hook.pk}{path.format(delivery=delivery.pk)}"
    assert page_as(carol).post(address).status_code == 404
    assert page_as(None).post(address).status_code == 302
    assert Webhook.objects.filter(pk=hook.pk, is_active=True, secret=hook.secret).exists()


def test_nobody_sees_webhooks_of_others_in_the_lists(api_as, page_as, carol, hook):
    assert api_as(carol).get("/api/v1/webhooks").data["count"] == 0
    assert b"None yet" in page_as(carol).get("/webhooks").content


def test_the_page_makes_a_webhook_and_shows_its_secret_once(page_as, alice):
    page = page_as(alice)
    made = page.post("/webhooks", ASKED).content.decode()
    hook = Webhook.objects.get()
    assert hook.secret in made
    assert hook.secret not in page.get("/webhooks").content.decode()
    assert hook.secret not in page.get(f"/webhooks/{hook.pk}").content.decode()


def test_the_page_says_what_is_wrong(page_as, alice):
    answer = page_as(alice).post("/webhooks", {**ASKED, "url": "http://192.168.0.1/"}).content.decode()
    assert "private or local" in answer
    assert not Webhook.objects.exists()


def test_the_page_shows_the_log_and_sends_again(page_as, alice, hook, delivery):
    page = page_as(alice)
    shown = page.get(f"/webhooks/{hook.pk}").content.decode()
    assert "Nothing listens" in shown
    assert "every 2s" not in shown  # nothing moves
    page.post(f"/webhooks/{hook.pk}/deliveries/{delivery.pk}/again")
    assert "every 2s" in page.get(f"/webhooks/{hook.pk}").content.decode()


def test_the_page_changes_switches_renews_tests_and_deletes(page_as, alice, hook):
    page, address = page_as(alice), f"/webhooks/{hook.pk}"
    page.post(address, {**ASKED, "description": "other"})
    page.post(f"{address}/switch")
    page.post(f"{address}/test")
    renewed = page.post(f"{address}/secret").content.decode()
    changed = Webhook.objects.get()
    assert (changed.description, changed.is_active) == ("other", False)
    assert changed.secret != hook.secret
    assert changed.secret in renewed
    assert Delivery.objects.get().event == "test"
    done = list(AuditEvent.objects.order_by("pk").values_list("actor_name", "verb"))
    verbs = ["webhook made", "webhook changed", "webhook changed", "webhook secret renewed"]
    assert done == [("alice", verb) for verb in verbs]
    assert changed.secret not in str(list(AuditEvent.objects.values()))
    page.post(f"{address}/switch", {"on": "1"})
    assert Webhook.objects.get().is_active
    page.post(f"{address}/delete")
    assert not Webhook.objects.exists()


def test_a_webhook_that_was_switched_off_is_said_on_its_page_and_on_the_dashboard(page_as, alice, hook):
    Webhook.objects.update(is_active=False, disabled_because="20 attempts in a row failed.")
    page = page_as(alice)
    for address in (f"/webhooks/{hook.pk}", "/webhooks/off"):
        assert "20 attempts in a row failed." in page.get(address).content.decode()


def test_the_list_costs_the_same_for_one_and_for_many(page_as, alice, hook, django_assert_num_queries):
    page = page_as(alice)
    with django_assert_num_queries(3):
        page.get("/webhooks")
    for _ in range(9):
        services.create_webhook(alice, **ASKED)
    with django_assert_num_queries(3):
        page.get("/webhooks")


def test_the_operator_sees_all_in_the_admin_and_no_secret(page_as, operator, hook, delivery):
    page = page_as(operator)
    assert hook.url in page.get("/admin/core/webhook/").content.decode()
    assert hook.secret not in page.get(f"/admin/core/webhook/{hook.pk}/change/").content.decode()
    page.post("/admin/core/delivery/", {"action": "send_again", "_selected_action": [str(delivery.pk)]})
    assert Delivery.objects.get().status == "pending"
    page.post("/admin/core/webhook/", {"action": "switch_off", "_selected_action": [hook.pk]})
    assert not Webhook.objects.get().is_active


def test_a_network_of_our_own_can_be_allowed(api_as, alice, settings):
    settings.OUTGOING_PRIVATE_NETWORKS = [ipaddress.ip_network("10.0.0.0/8")]
    assert api_as(alice).post("/api/v1/webhooks", {**ASKED, "url": "http://10.0.0.1/"}).status_code == 201


def test_the_log_names_the_server_alone_for_an_address_may_be_a_secret(alice):
    hook = services.create_webhook(alice, "https://example.org/services/T1/B2/hush", ["training.finished"])
    services.update_webhook(hook, alice, url="https://example.org/services/T1/B2/hush2")
    services.delete_webhook(hook, alice)
    events = list(AuditEvent.objects.values("verb", "subject_name", "detail"))
    assert [event["detail"]["host"] for event in events] == ["example.org"] * 3
    assert "hush" not in str(events)
