from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0015_search_wishes"),
    ]

    operations = [
        migrations.AddField(
            model_name="importoutcome",
            name="repairs",
            field=models.JSONField(blank=True, default=list, verbose_name="geometrie riparate, quali"),
        ),
    ]
