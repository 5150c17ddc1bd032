import django.core.validators
from django.db import migrations, models

import layers.metadata.codes


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0013_relations"),
    ]

    operations = [
        migrations.AddField(
            model_name="layer",
            name="accuracy_m",
            field=models.FloatField(
                blank=True,
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="accuratezza posizionale (m)",
            ),
        ),
        migrations.AddField(
            model_name="layer",
            name="inspire_theme",
            field=models.CharField(
                blank=True, choices=layers.metadata.codes.inspire_choices, max_length=2, verbose_name="tema INSPIRE"
            ),
        ),
        migrations.AddField(
            model_name="layer",
            name="scale_denominator",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="scala di riferimento, 1:",
            ),
        ),
        migrations.AddField(
            model_name="layer",
            name="topic_category",
            field=models.CharField(
                blank=True,
                choices=layers.metadata.codes.topic_choices,
                help_text="ISO 19115, MD_TopicCategoryCode",
                max_length=40,
                verbose_name="categoria ISO",
            ),
        ),
        migrations.AddField(
            model_name="layer",
            name="use_limitation",
            field=models.TextField(blank=True, verbose_name="limiti d'uso"),
        ),
        migrations.AlterField(
            model_name="layer",
            name="update_frequency",
            field=models.CharField(
                choices=[
                    ("CONT", "Continuo"),
                    ("DAILY", "Giornaliero"),
                    ("WEEKLY", "Settimanale"),
                    ("MONTHLY", "Mensile"),
                    ("QUARTERLY", "Trimestrale"),
                    ("ANNUAL", "Annuale"),
                    ("IRREG", "Irregolare"),
                    ("AS_NEEDED", "Quando occorre"),
                    ("NOT_PLANNED", "Non previsto"),
                    ("UNKNOWN", "Non noto"),
                ],
                default="UNKNOWN",
                max_length=12,
                verbose_name="frequenza di aggiornamento",
            ),
        ),
    ]
