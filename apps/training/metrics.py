"""Training for Prometheus: trainers, and what running jobs do with their GPUs."""

from django.db.models import OuterRef, Subquery
from prometheus_client.core import GaugeMetricFamily

from apps.training.models import TrainingJob, TrainingUsage
from apps.training.services.trainers import trainer_slots

MIB = 2**20
MOST_JOBS = 500


def trainings():
    """Slots of living trainers; of each running job the GPUs as last measured (a few seconds ago) on its machine."""
    yield GaugeMetricFamily("yolo_trainer_slots", "Trainings that can run at once.", value=trainer_slots())
    of_gpu = ["training", "gpu"]
    use = GaugeMetricFamily("yolo_training_gpu_percent", "Use of a running training's GPU.", labels=of_gpu)
    memory = GaugeMetricFamily("yolo_training_gpu_bytes", "Memory in use on that GPU.", labels=of_gpu)
    own = GaugeMetricFamily("yolo_training_memory_bytes", "Memory of a training's processes.", labels=["training"])
    newest = TrainingUsage.objects.filter(job=OuterRef("pk")).order_by("-pk").values("values")[:1]
    running = TrainingJob.objects.filter(status=TrainingJob.Status.RUNNING).annotate(newest=Subquery(newest))
    for pk, values in running.order_by("pk").values_list("pk", "newest")[:MOST_JOBS]:
        if not values:
            continue
        own.add_metric([str(pk)], (values.get("memory") or 0) * MIB)
        for number, (percent, mib, _) in enumerate(values.get("gpus") or []):
            if percent is not None:
                use.add_metric([str(pk), str(number)], percent)
            if mib is not None:
                memory.add_metric([str(pk), str(number)], mib * MIB)
    yield from (use, memory, own)
