from pathlib import Path

from django.db import migrations, models

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARD = """
DROP FUNCTION layers_only_added_to CASCADE;
DROP TRIGGER bump_catalogue ON layers_theme_groups;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("layers", "0003_import_reports_and_jobs"),
    ]

    operations = [
        migrations.AddField(
            model_name="theme",
            name="access",
            field=models.CharField(
                choices=[
                    ("public", "Pubblico"),
                    ("professional", "Professionisti"),
                    ("internal", "Interno"),
                    ("restricted", "Riservato ai gruppi indicati"),
                ],
                default="public",
                help_text="Vale per tutti i livelli e i sottotemi: di più regole decide la più stretta.",
                max_length=12,
                verbose_name="accesso",
            ),
        ),
        migrations.AddField(
            model_name="theme",
            name="groups",
            field=models.ManyToManyField(blank=True, related_name="themes", to="auth.group", verbose_name="gruppi"),
        ),
        migrations.CreateModel(
            name="ReadOfRestricted",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="quando")),
                ("user_id", models.BigIntegerField(verbose_name="numero dell'utente")),
                ("user_name", models.CharField(max_length=150, verbose_name="utente")),
                ("token_id", models.BigIntegerField(null=True, verbose_name="gettone")),
                ("layer", models.CharField(max_length=63, verbose_name="livello")),
                ("door", models.CharField(max_length=60, verbose_name="da dove")),
                ("item", models.CharField(blank=True, max_length=200, verbose_name="elemento")),
                ("features", models.PositiveBigIntegerField(null=True, verbose_name="elementi letti")),
                ("requests", models.PositiveIntegerField(default=1, verbose_name="richieste")),
            ],
            options={
                "verbose_name": "lettura di dati riservati",
                "verbose_name_plural": "letture di dati riservati",
                "ordering": ["-at", "-id"],
                "indexes": [
                    models.Index(fields=["-at"], name="read_by_time"),
                    models.Index(fields=["layer", "-at"], name="read_by_layer"),
                    models.Index(fields=["user_id", "-at"], name="read_by_user"),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
