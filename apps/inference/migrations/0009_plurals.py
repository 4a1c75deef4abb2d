from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("inference", "0008_served_as_chosen")]

    operations = [
        migrations.AlterModelOptions(name="switch", options={"ordering": ["-pk"], "verbose_name_plural": "switches"}),
        migrations.AlterModelOptions(name="capturewaiting", options={"ordering": ["pk"], "verbose_name": "waiting capture"}),
    ]
