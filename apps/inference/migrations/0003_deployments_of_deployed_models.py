"""Models that were deployed before there were deployments answer for the name of their line, as they did by name."""

from django.db import migrations
from django.utils import timezone


def make_deployments(apps, schema_editor):
    TrainedModel = apps.get_model("models", "TrainedModel")
    Deployment = apps.get_model("inference", "Deployment")
    Switch = apps.get_model("inference", "Switch")
    deployed = TrainedModel.objects.filter(is_deployed=True).select_related("line").order_by("-pk")
    for model in deployed.only("pk", "owner_id", "line__name", "is_public", "dataset_version_id").iterator():
        deployment, is_new = Deployment.objects.get_or_create(
            owner_id=model.owner_id, name=model.line.name,
            defaults={
                "model_id": model.pk, "is_public": model.is_public, "gate_version_id": model.dataset_version_id,
            },
        )  # fmt: skip
        if is_new:
            Switch.objects.create(
                deployment=deployment, new_id=model.pk, by_id=model.owner_id, state="done", switched_at=timezone.now()
            )


class Migration(migrations.Migration):
    dependencies = [("inference", "0002_deployments"), ("models", "0006_exports")]
    operations = [migrations.RunPython(make_deployments, migrations.RunPython.noop)]
