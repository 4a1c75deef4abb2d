from django.db import migrations, models


class Migration(migrations.Migration):
    """The index by id is made anew, as the last: see the model."""

    dependencies = [("datasets", "0004_gallery")]

    operations = [
        migrations.RemoveIndex(model_name="datasetimage", name="present_images"),
        migrations.AddIndex(
            model_name="datasetimage",
            index=models.Index(condition=models.Q(deleted_at=None), fields=["dataset", "id"], name="present_images"),
        ),
    ]
