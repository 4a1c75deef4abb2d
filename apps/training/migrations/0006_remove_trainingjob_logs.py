from django.db import migrations


class Migration(migrations.Migration):
    """In a step of its own: PostgreSQL does not alter a table whose rows were written in the same transaction."""

    dependencies = [("training", "0005_log_pieces_and_usage")]
    operations = [migrations.RemoveField(model_name="trainingjob", name="logs")]
