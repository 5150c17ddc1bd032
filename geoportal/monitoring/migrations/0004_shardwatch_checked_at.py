import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0003_state_intervals")]

    operations = [
        migrations.AddField(
            model_name="shardwatch",
            name="checked_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
    ]
