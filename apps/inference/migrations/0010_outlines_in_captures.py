from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inference', '0009_plurals'),
    ]

    operations = [
        migrations.AlterField(
            model_name='capturewaiting',
            name='answer',
            field=models.JSONField(default=list, help_text='[class name, confidence, x_center, y_center, width, height, outline] …'),
        ),
    ]
