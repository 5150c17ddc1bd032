from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARD = """
DROP FUNCTION layers_keep_versions, layers_keep_rows, layers_count_version, layers_begin_version CASCADE;
-- Without CASCADE: undoing this while layers have a past must fail, not lose it.
DROP SCHEMA geodata_past;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0009_theme_stewards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LayerGeneration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("first", models.PositiveIntegerField()),
                ("is_current", models.BooleanField(default=True)),
                ("table_name", models.CharField(max_length=63)),
                ("history_table", models.CharField(max_length=63, unique=True)),
                ("id_field", models.CharField(max_length=63)),
                ("store", models.JSONField(blank=True, default=dict)),
                ("fields", models.JSONField(blank=True, default=list)),
                (
                    "layer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="generations",
                        to="layers.layer",
                        verbose_name="livello",
                    ),
                ),
            ],
            options={
                "ordering": ["layer", "first"],
            },
        ),
        migrations.CreateModel(
            name="LayerVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveIntegerField(verbose_name="versione")),
                ("made_at", models.DateTimeField(verbose_name="registrata il")),
                ("valid_from", models.DateTimeField(verbose_name="dati riferiti al")),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("import", "Prima importazione"),
                            ("replace", "Sostituzione"),
                            ("append", "Aggiunta"),
                            ("synchronise", "Sincronizzazione"),
                            ("edit", "Modifica di elementi"),
                            ("restore", "Ripristino"),
                            ("baseline", "Stato all'inizio della storia"),
                            ("database", "Modifica nel database"),
                        ],
                        max_length=12,
                        verbose_name="che cosa",
                    ),
                ),
                ("note", models.TextField(blank=True, verbose_name="nota")),
                ("added", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="aggiunti")),
                ("changed", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="cambiati")),
                ("removed", models.PositiveBigIntegerField(blank=True, null=True, verbose_name="tolti")),
                ("transaction", models.BigIntegerField(editable=False)),
                (
                    "generation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="layers.layergeneration",
                    ),
                ),
                (
                    "layer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="versions",
                        to="layers.layer",
                        verbose_name="livello",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="utente",
                    ),
                ),
            ],
            options={
                "verbose_name": "versione",
                "verbose_name_plural": "versioni",
                "ordering": ["layer", "-number"],
            },
        ),
        migrations.AddConstraint(
            model_name="layergeneration",
            constraint=models.UniqueConstraint(fields=("layer", "first"), name="generation_once_per_version"),
        ),
        migrations.AddConstraint(
            model_name="layergeneration",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_current", True)), fields=("layer",), name="one_current_generation"
            ),
        ),
        migrations.AddIndex(
            model_name="layerversion",
            index=models.Index(fields=["layer", "valid_from"], name="version_by_date"),
        ),
        migrations.AddConstraint(
            model_name="layerversion",
            constraint=models.UniqueConstraint(fields=("layer", "number"), name="version_number_once_per_layer"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
