"""Models that answer for a deployment are live, as they are from now on when they begin to."""

from django.db import migrations


def make_live(apps, schema_editor):
    rows = apps.get_model("models", "TrainedModel").objects
    answering = rows.filter(deployments__is_active=True)
    lines = set(answering.values_list("line", flat=True))
    rows.filter(pk__in=answering.values("pk"), stage="candidate").update(stage="live")
    rows.filter(line__in=lines, stage="live").exclude(pk__in=answering.values("pk")).update(stage="candidate")


class Migration(migrations.Migration):
    dependencies = [("inference", "0010_outlines_in_captures"), ("models", "0009_plurals")]
    operations = [migrations.RunPython(make_live, migrations.RunPython.noop)]
