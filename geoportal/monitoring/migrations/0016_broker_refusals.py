from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0015_rule_for_a_strange_page"),
    ]

    operations = [
        migrations.CreateModel(
            name="BrokerRefusal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hour", models.DateTimeField()),
                ("address", models.CharField(blank=True, max_length=64)),
                ("count", models.PositiveIntegerField()),
            ],
            options={
                "verbose_name": "accesso rifiutato",
                "verbose_name_plural": "accessi rifiutati",
                "ordering": ["-hour", "-count"],
                "constraints": [
                    models.UniqueConstraint(fields=("hour", "address"), name="one_count_per_hour_and_address")
                ],
            },
        ),
    ]
