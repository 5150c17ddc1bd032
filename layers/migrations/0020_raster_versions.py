import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0019_tile_overviews"),
    ]

    operations = [
        migrations.CreateModel(
            name="RasterState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.CharField(max_length=255, unique=True)),
                ("checksum", models.CharField(max_length=64)),
                ("bytes", models.PositiveBigIntegerField()),
                ("srid", models.PositiveIntegerField(null=True)),
                ("info", models.JSONField(default=dict)),
                (
                    "bbox",
                    django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), null=True, size=4),
                ),
                (
                    "storage_bbox",
                    django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), null=True, size=4),
                ),
                ("source_file", models.CharField(blank=True, max_length=255)),
                (
                    "layer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="raster_states",
                        to="layers.layer",
                        verbose_name="livello",
                    ),
                ),
            ],
            options={"ordering": ["layer", "id"]},
        ),
        migrations.AddConstraint(
            model_name="rasterstate",
            constraint=models.UniqueConstraint(fields=("layer", "checksum"), name="raster_state_once_per_layer"),
        ),
        migrations.AddField(
            model_name="layerversion",
            name="raster",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="versions",
                to="layers.rasterstate",
            ),
        ),
        migrations.AlterField(
            model_name="layerversion",
            name="generation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="versions",
                to="layers.layergeneration",
            ),
        ),
        migrations.AddConstraint(
            model_name="layerversion",
            constraint=models.CheckConstraint(
                condition=models.Q(generation__isnull=False, raster__isnull=True)
                | models.Q(generation__isnull=True, raster__isnull=False),
                name="version_is_of_a_table_or_a_raster",
            ),
        ),
        # On the way back those of rasters go: the files before do as well, those of today stay.
        migrations.RunSQL(migrations.RunSQL.noop, "DELETE FROM layers_layerversion WHERE raster_id IS NOT NULL"),
    ]
