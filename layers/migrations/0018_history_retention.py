from pathlib import Path

from django.db import migrations, models

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARD = "DROP FUNCTION layers_drop_generation CASCADE"


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0017_code_lists"),
    ]

    operations = [
        migrations.AddField(
            model_name="layer",
            name="history_days",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Per quanti giorni tenere gli stati passati; 0: per sempre; vuoto: come dice l'installazione.",
                null=True,
                verbose_name="giorni di storia",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
