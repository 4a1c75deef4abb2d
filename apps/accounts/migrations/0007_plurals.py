from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_teams")]

    operations = [
        migrations.AlterModelOptions(name="apitoken", options={"ordering": ["-pk"], "verbose_name": "API token"}),
        migrations.AlterModelOptions(name="onetimelink", options={"ordering": ["-pk"], "verbose_name": "one-time link"}),
    ]
