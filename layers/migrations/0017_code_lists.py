from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0016_import_repairs"),
    ]

    operations = [
        migrations.AddField(
            model_name="field",
            name="codes",
            field=models.JSONField(
                blank=True,
                default=list,
                help_text="I valori ammessi e il loro significato, uno per riga: codice = italiano | inglese.",
                verbose_name="elenco di codici",
            ),
        ),
    ]
