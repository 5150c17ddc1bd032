from pathlib import Path

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARD = "DROP TRIGGER bump_catalogue ON layers_source; DROP SCHEMA sources CASCADE;"


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("layers", "0011_import_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(max_length=200, verbose_name="titolo")),
                ("office", models.CharField(blank=True, max_length=200, verbose_name="ufficio o ente")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("postgres", "Tabella di un altro PostgreSQL"),
                            ("ogr", "Tabella o file letto con GDAL"),
                            ("file", "File o CSV a un indirizzo"),
                            ("wfs", "WFS"),
                            ("features", "OGC API - Features"),
                            ("wms", "WMS in cascata"),
                            ("wmts", "WMTS in cascata"),
                        ],
                        max_length=8,
                        verbose_name="genere",
                    ),
                ),
                ("slug", models.CharField(max_length=63, unique=True, verbose_name="nome del livello")),
                ("access", models.CharField(default="internal", max_length=12, verbose_name="accesso")),
                ("address", models.CharField(max_length=1000, verbose_name="indirizzo")),
                ("remote_name", models.CharField(blank=True, max_length=255, verbose_name="nome all'origine")),
                ("options", models.JSONField(blank=True, default=dict, verbose_name="altre opzioni")),
                ("user_name", models.CharField(blank=True, max_length=200, verbose_name="utente")),
                ("secret", models.TextField(blank=True, editable=False, verbose_name="segreto")),
                ("is_enabled", models.BooleanField(default=True, verbose_name="attiva")),
                (
                    "every_minutes",
                    models.PositiveIntegerField(
                        default=1440,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(525600),
                        ],
                        verbose_name="ogni quanti minuti",
                    ),
                ),
                (
                    "timeout_ms",
                    models.PositiveIntegerField(
                        default=3000,
                        validators=[
                            django.core.validators.MinValueValidator(100),
                            django.core.validators.MaxValueValidator(600000),
                        ],
                        verbose_name="tempo massimo (ms)",
                    ),
                ),
                (
                    "harvest_seconds",
                    models.PositiveIntegerField(
                        default=600,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(86400),
                        ],
                        verbose_name="durata massima della raccolta (s)",
                    ),
                ),
                (
                    "max_megabytes",
                    models.PositiveIntegerField(
                        default=500,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(20480),
                        ],
                        verbose_name="dimensione massima (MB)",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "fonte",
                "verbose_name_plural": "fonti",
                "ordering": ["title"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="layer",
            name="layer_has_its_store",
        ),
        migrations.AlterField(
            model_name="layer",
            name="kind",
            field=models.CharField(
                choices=[("vector", "Tabella o vista"), ("raster", "Raster"), ("remote", "Servizio di un altro ente")],
                default="vector",
                max_length=8,
                verbose_name="genere",
            ),
        ),
        migrations.AddConstraint(
            model_name="layer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "raster"), ("raster_path__gt", "")),
                    models.Q(("kind", "vector"), ("table_name__gt", "")),
                    ("kind", "remote"),
                    _connector="OR",
                ),
                name="layer_has_its_store",
            ),
        ),
        migrations.CreateModel(
            name="SourceState",
            fields=[
                (
                    "source",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="state",
                        serialize=False,
                        to="layers.source",
                    ),
                ),
                (
                    "health",
                    models.CharField(
                        choices=[
                            ("new", "Mai letta"),
                            ("ok", "Raggiungibile"),
                            ("failing", "Non raggiungibile"),
                            ("changed", "Cambiata"),
                        ],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("since", models.DateTimeField(null=True)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("retry_at", models.DateTimeField(null=True)),
                ("tried_at", models.DateTimeField(null=True)),
                ("succeeded_at", models.DateTimeField(null=True)),
                ("changed_at", models.DateTimeField(null=True)),
                ("next_run_at", models.DateTimeField(null=True)),
                ("features", models.PositiveBigIntegerField(null=True)),
                ("etag", models.CharField(blank=True, max_length=300)),
                ("last_modified", models.CharField(blank=True, max_length=100)),
                ("digest", models.CharField(blank=True, max_length=64)),
                (
                    "columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=200), default=list
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="source",
            name="layer",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="source",
                to="layers.layer",
                verbose_name="livello",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="theme",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="layers.theme",
                verbose_name="tema",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
