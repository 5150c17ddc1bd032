from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARD = """
DROP FUNCTION layers_drop_overview, layers_keep_data_version CASCADE;
DROP TRIGGER bump_catalogue ON layers_tileoverview;
-- They are made of the layers' own data alone.
DROP SCHEMA geodata_tiles CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0018_history_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="TileOverview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("data_version", models.PositiveBigIntegerField()),
                ("form", models.PositiveSmallIntegerField(default=1)),
                ("is_useful", models.BooleanField(default=True)),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=63), default=list, size=None
                    ),
                ),
                ("seconds", models.FloatField(default=0.0)),
                ("made_at", models.DateTimeField(auto_now=True)),
                (
                    "layer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="overview", to="layers.layer"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
