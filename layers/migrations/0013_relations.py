import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

WATCHED = """
CREATE TRIGGER bump_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON layers_relation
    FOR EACH STATEMENT EXECUTE FUNCTION layers_bump_catalogue();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0012_sources"),
    ]

    operations = [
        migrations.CreateModel(
            name="Relation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slug",
                    models.CharField(
                        max_length=63,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "Solo lettere minuscole, cifre e trattini."
                            )
                        ],
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("within", "Il primo sta nel secondo"),
                            ("overlaps", "Si sovrappongono"),
                            ("near", "Sono vicini"),
                            ("key", "Hanno la stessa chiave"),
                        ],
                        max_length=8,
                        verbose_name="come",
                    ),
                ),
                ("forward_it", models.CharField(max_length=120, verbose_name="dal primo al secondo, in italiano")),
                (
                    "forward_en",
                    models.CharField(blank=True, max_length=120, verbose_name="dal primo al secondo, in inglese"),
                ),
                ("backward_it", models.CharField(max_length=120, verbose_name="dal secondo al primo, in italiano")),
                (
                    "backward_en",
                    models.CharField(blank=True, max_length=120, verbose_name="dal secondo al primo, in inglese"),
                ),
                ("one_field", models.CharField(blank=True, max_length=63, verbose_name="chiave nel primo")),
                ("other_field", models.CharField(blank=True, max_length=63, verbose_name="chiave nel secondo")),
                (
                    "distance_m",
                    models.FloatField(
                        default=10,
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(5000),
                        ],
                        verbose_name="distanza massima (m)",
                    ),
                ),
                (
                    "share_pct",
                    models.FloatField(
                        default=1,
                        help_text="Della più piccola delle due aree: quelle che si toccano appena non contano.",
                        validators=[
                            django.core.validators.MinValueValidator(0),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="parte minima sovrapposta (%)",
                    ),
                ),
                (
                    "one",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="layers.layer",
                        verbose_name="primo livello",
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="layers.layer",
                        verbose_name="secondo livello",
                    ),
                ),
            ],
            options={
                "verbose_name": "relazione",
                "verbose_name_plural": "relazioni",
                "ordering": ["slug"],
            },
        ),
        migrations.RunSQL(WATCHED, "DROP TRIGGER bump_catalogue ON layers_relation"),
    ]
