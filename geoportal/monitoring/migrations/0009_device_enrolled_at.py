from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0008_first_alert_rules")]

    operations = [
        migrations.AddField(
            model_name="device",
            name="enrolled_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="abilitato il"),
        )
    ]
