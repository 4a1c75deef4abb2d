"""Models of one owner and name become versions 1, 2, 3 of one line, in the order in which they were made."""

from collections import defaultdict

from django.db import migrations

LICENCE = "AGPL-3.0"  # what every model's page has said so far


def to_lines(apps, schema_editor):
    TrainedModel, ModelLine = apps.get_model("models", "TrainedModel"), apps.get_model("models", "ModelLine")
    lines = defaultdict(list)
    for pk, owner, name in TrainedModel.objects.filter(line=None).order_by("pk").values_list("pk", "owner", "name"):
        lines[owner, name].append(pk)
    for (owner, name), models in lines.items():
        line, _ = ModelLine.objects.get_or_create(owner_id=owner, name=name)
        for number, pk in enumerate(models, line.versions_made + 1):
            TrainedModel.objects.filter(pk=pk).update(line=line, number=number, licence=LICENCE)
        ModelLine.objects.filter(pk=line.pk).update(versions_made=line.versions_made + len(models))


def to_names(apps, schema_editor):
    TrainedModel, ModelLine = apps.get_model("models", "TrainedModel"), apps.get_model("models", "ModelLine")
    for pk, name in ModelLine.objects.values_list("pk", "name"):
        TrainedModel.objects.filter(line=pk).update(name=name, line=None)
    ModelLine.objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("models", "0003_lines")]

    operations = [migrations.RunPython(to_lines, to_names)]
