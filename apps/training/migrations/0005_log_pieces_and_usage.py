from django.db import migrations, models

PIECE = 16_000  # characters, as in services.log


def move_logs(apps, schema_editor):
    job_model, piece_model = apps.get_model("training", "TrainingJob"), apps.get_model("training", "TrainingLogPiece")
    for pk, logs in job_model.objects.exclude(logs="").values_list("pk", "logs").iterator(chunk_size=10):
        starts = range(0, len(logs), PIECE)
        piece_model.objects.bulk_create(
            piece_model(job_id=pk, number=number, text=logs[start : start + PIECE])
            for number, start in enumerate(starts)
        )


class Migration(migrations.Migration):
    """A job's log moves from its row into rows of equal length; what a training uses gets a table."""

    dependencies = [("training", "0004_paused")]

    operations = [
        migrations.CreateModel(
            name="TrainingLogPiece",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(help_text="Counting from 0.")),
                ("text", models.TextField()),
                (
                    "job",
                    models.ForeignKey(on_delete=models.CASCADE, related_name="log_pieces", to="training.trainingjob"),
                ),
            ],
            options={
                "ordering": ["number"],
                "constraints": [models.UniqueConstraint(fields=("job", "number"), name="a_log_piece_once")],
            },
        ),
        migrations.CreateModel(
            name="TrainingUsage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(help_text="When it began.")),
                ("seconds", models.FloatField(help_text="How long it was measured.")),
                ("values", models.JSONField(default=dict)),
                (
                    "job",
                    models.ForeignKey(on_delete=models.CASCADE, related_name="usage_rows", to="training.trainingjob"),
                ),
            ],
            options={"verbose_name_plural": "training usage", "ordering": ["pk"]},
        ),
        migrations.RunPython(move_logs, migrations.RunPython.noop, elidable=True),
    ]
