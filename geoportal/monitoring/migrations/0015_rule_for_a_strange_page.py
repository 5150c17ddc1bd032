from typing import Any

from django.db import migrations

RULE = {
    "slug": "pagina-estranea",
    "name_it": "Il totem mostra un altro sito",
    "name_en": "Totem shows another site",
    "kind": "totem",
    "causes": ["page_elsewhere"],
    "severity": "critical",
    "for_s": 60,
    "keep_s": 300,
}


def add_rule(apps: Any, schema_editor: Any) -> None:
    apps.get_model("monitoring", "AlertRule").objects.get_or_create(slug=RULE["slug"], defaults=RULE)


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0014_alerts_are_forgotten_when_old")]
    operations = [migrations.RunPython(add_rule, migrations.RunPython.noop)]
