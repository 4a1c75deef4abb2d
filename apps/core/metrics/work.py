"""Jobs by state and kind, and the queues they wait in."""

from dataclasses import dataclass

from celery import current_app
from django.db.models import Count, Min
from django.utils import timezone
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from apps.core import health
from apps.core.metrics.ended import ended
from apps.core.models import Delivery, Job, Webhook

OPEN = ("pending", "running", "paused")


@dataclass(frozen=True)
class Kind:
    """A table of work: `kind` is a field, or (`fixed`) the name of all of it; `task` likewise names what runs it."""

    model: type
    kind: str
    task: str
    since: str
    fixed: bool = False


TABLES = [Kind(Job, "kind", "task", "created_at")]


def jobs():
    """Open jobs by state and kind; waiting ones by queue, with how long the oldest has waited; ends, counted."""
    states = GaugeMetricFamily("yolo_jobs", "Jobs that are open.", labels=["state", "kind"])
    waiting, oldest = dict.fromkeys(health.QUEUES, 0), dict.fromkeys(health.QUEUES)
    for table in TABLES:
        fields = ["status"] if table.fixed else ["status", table.kind, table.task]
        rows = table.model.objects.filter(status__in=OPEN).order_by().values(*fields)
        found = {}
        for row in rows.annotate(number=Count("pk"), first=Min(table.since)):
            key = row["status"], table.kind if table.fixed else row[table.kind]
            found[key] = found.get(key, 0) + row["number"]
            if row["status"] == "pending":
                queue = queue_of(table.task if table.fixed else row[table.task])
                waiting[queue] = waiting.get(queue, 0) + row["number"]
                oldest[queue] = min(filter(None, (oldest.get(queue), row["first"])))
        for key, number in found.items():
            states.add_metric(key, number)
    yield states
    yield _by_queue("yolo_queue_jobs", "Jobs that wait for a worker.", waiting)
    at = timezone.now()
    seconds = {queue: max((at - first).total_seconds(), 0) if first else 0 for queue, first in oldest.items()}
    yield _by_queue("yolo_queue_oldest_seconds", "How long the oldest job of a queue has waited.", seconds)


def ends():
    family = CounterMetricFamily("yolo_jobs_ended", "Jobs by how they ended.", labels=["state", "kind"])
    for (kind, state), number in ended().items():
        family.add_metric([state, kind], number)
    yield family


def queues():
    """Messages in the broker, and workers that take them."""
    with current_app.connection_for_read() as connection:
        client = connection.default_channel.client
        messages = {queue: client.llen(queue) for queue in health.QUEUES}
    yield _by_queue("yolo_queue_messages", "Messages in a queue of the broker.", messages)
    yield _by_queue("yolo_workers", "Workers that serve a queue.", health.workers_by_queue())


def parts():
    """The parts of `/readyz`."""
    family = GaugeMetricFamily("yolo_part_ready", "Whether a part of the platform is well.", labels=["part"])
    for name, answer in health.ask_all().items():
        family.add_metric([name], answer == "ok")
    yield family


def webhooks():
    waiting = Delivery.objects.filter(status=Delivery.Status.PENDING).count()
    yield GaugeMetricFamily("yolo_webhook_deliveries_waiting", "Deliveries on their way.", value=waiting)
    off = Webhook.objects.filter(is_active=False).exclude(disabled_because="").count()
    yield GaugeMetricFamily("yolo_webhooks_off", "Webhooks that the platform switched off.", value=off)


def queue_of(task):
    """The name of the queue that a task goes to."""
    return current_app.amqp.router.route({}, task)["queue"].name


def _by_queue(name, words, numbers):
    family = GaugeMetricFamily(name, words, labels=["queue"])
    for queue, number in numbers.items():
        family.add_metric([queue], number)
    return family
