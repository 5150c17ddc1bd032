"""Intervals of a period are found by their end: availability read all that had ever begun."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0017_broker_denials")]

    operations = [
        migrations.AddIndex("stateinterval", models.Index(fields=["ended_at", "started_at"], name="interval_by_end")),
    ]
