from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("models", "0008_served_as_chosen")]

    operations = [
        migrations.AlterModelOptions(name="confirmedlabels", options={"verbose_name": "confirmed labels", "verbose_name_plural": "confirmed labels"}),
    ]
