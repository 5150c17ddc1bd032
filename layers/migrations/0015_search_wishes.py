from pathlib import Path

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

HERE = Path(__file__)
FORWARD = HERE.with_suffix(".sql").read_text(encoding="utf-8")
BACKWARD = HERE.with_name("0015_search_wishes_back.sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0014_layer_metadata"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchWish",
            fields=[
                (
                    "layer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="layers.layer",
                    ),
                ),
                ("asked_at", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="searchindex",
            name="generation",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="searchindex",
            name="scopes",
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list),
        ),
        migrations.AddField(
            model_name="searchindex",
            name="version",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
