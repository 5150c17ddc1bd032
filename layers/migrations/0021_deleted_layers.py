from django.db import migrations, models

FORWARD = """
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON layers_deletedlayer
FOR EACH ROW EXECUTE FUNCTION layers_only_added_to();
"""
BACKWARD = "DROP TRIGGER only_added_to ON layers_deletedlayer"


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0020_raster_versions"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeletedLayer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="quando")),
                ("user_id", models.BigIntegerField(null=True, verbose_name="numero dell'utente")),
                ("user_name", models.CharField(blank=True, max_length=150, verbose_name="utente")),
                ("layer", models.CharField(max_length=63, verbose_name="livello")),
                ("title", models.CharField(max_length=200, verbose_name="titolo")),
                ("kind", models.CharField(max_length=8, verbose_name="genere")),
                ("features", models.PositiveBigIntegerField(null=True, verbose_name="elementi")),
                ("versions", models.PositiveIntegerField(verbose_name="versioni")),
                ("bytes", models.PositiveBigIntegerField(verbose_name="byte")),
                ("kept", models.CharField(blank=True, max_length=500, verbose_name="che cosa è rimasto")),
            ],
            options={
                "verbose_name": "livello eliminato",
                "verbose_name_plural": "livelli eliminati",
                "ordering": ["-at", "-id"],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
