from pathlib import Path

import django.contrib.gis.db.models.fields
import django.contrib.postgres.search
import django.db.models.deletion
from django.db import migrations, models

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARD = """
DROP FUNCTION layers_layer_changed_for_search, layers_field_changed_for_search, layers_ask_for_search CASCADE;
DROP TEXT SEARCH CONFIGURATION geoportal_it;
DROP FUNCTION layers_search_box, layers_search_norm;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0005_import_source_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="SearchIndex",
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
                ("data_version", models.PositiveBigIntegerField()),
                ("entries", models.PositiveBigIntegerField()),
                ("seconds", models.FloatField()),
                ("indexed_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.AddField(
            model_name="field",
            name="search_role",
            field=models.CharField(
                blank=True,
                choices=[
                    ("text", "Testo"),
                    ("name", "Nome dell'elemento"),
                    ("street", "Nome della strada"),
                    ("number", "Numero civico"),
                    ("exponent", "Esponente del civico"),
                    ("sheet", "Foglio catastale"),
                    ("parcel", "Particella catastale"),
                    ("reference", "Riferimento catastale nazionale"),
                ],
                help_text="Vuoto: si capisce dal nome della colonna.",
                max_length=10,
                verbose_name="ruolo nella ricerca",
            ),
        ),
        migrations.CreateModel(
            name="SearchEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.BigIntegerField()),
                (
                    "kind",
                    models.SmallIntegerField(
                        choices=[(1, "Street"), (2, "Address"), (3, "Sheet"), (4, "Parcel"), (5, "Feature")]
                    ),
                ),
                ("item", models.TextField(blank=True)),
                ("title", models.TextField()),
                ("subtitle", models.TextField(blank=True)),
                ("norm", models.TextField()),
                ("street", models.TextField(blank=True)),
                ("number", models.IntegerField(null=True)),
                ("suffix", models.TextField(blank=True)),
                ("words", django.contrib.postgres.search.SearchVectorField(null=True)),
                ("point", django.contrib.gis.db.models.fields.PointField(null=True, spatial_index=False, srid=4326)),
                ("bbox", models.JSONField(null=True)),
                (
                    "layer",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="layers.layer"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SearchWord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.BigIntegerField()),
                ("word", models.TextField()),
                ("rows", models.PositiveBigIntegerField()),
                (
                    "layer",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="layers.layer"
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
