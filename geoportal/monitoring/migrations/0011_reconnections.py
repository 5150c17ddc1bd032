"""What is needed to see a connection that comes and goes, and the rule that calls for it."""

from typing import Any

import django.contrib.postgres.fields
from django.db import migrations, models

RULE = {
    "slug": "connessione-instabile",
    "name_it": "Connessione instabile",
    "name_en": "Unstable connection",
    "causes": ["unstable"],
    "for_s": 300,
    "keep_s": 1800,
    "escalate_s": 0,
    "repeat_s": 86400,
    "groups": ["feeder", "cabinet", "area"],
    "group_window_s": 900,
}


def add_rule(apps: Any, schema_editor: Any) -> None:
    rule = apps.get_model("monitoring", "AlertRule")
    rule.objects.get_or_create(slug=RULE["slug"], defaults=RULE)


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0010_commands")]
    operations = [
        migrations.AddField("devicestatus", "conn_seen", models.BigIntegerField(null=True)),
        migrations.AddField(
            "devicestatus",
            "reconnected_at",
            django.contrib.postgres.fields.ArrayField(models.DateTimeField(), default=list, db_default=[]),
        ),
        migrations.RunPython(add_rule, migrations.RunPython.noop),
    ]
