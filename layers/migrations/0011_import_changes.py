from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0010_versions"),
    ]

    operations = [
        migrations.AddField(
            model_name="importoutcome",
            name="changes",
            field=models.JSONField(blank=True, default=dict, verbose_name="che cosa è cambiato"),
        ),
        migrations.AlterField(
            model_name="importoutcome",
            name="result",
            field=models.CharField(
                choices=[
                    ("imported", "Importato"),
                    ("partly", "Importato in parte"),
                    ("refused", "Rifiutato"),
                    ("unchanged", "Invariato"),
                    ("checked", "Solo confrontato"),
                ],
                max_length=10,
                verbose_name="esito",
            ),
        ),
    ]
