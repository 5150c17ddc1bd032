"""The rules a city begins with. From here on they belong to the technicians: later releases do not change them."""

from typing import Any

from django.db import migrations

LOST = ["connection_lost", "silent", "unreachable"]
RULES: list[dict[str, Any]] = [
    {
        "slug": "dispositivo-perso",
        "name_it": "Dispositivo non raggiungibile",
        "name_en": "Device unreachable",
        "causes": LOST,
        "severity": "critical",
        "for_s": 120,
        "keep_s": 300,
        "groups": ["feeder", "cabinet", "area"],
    },
    {
        "slug": "centrale-cieca",
        "name_it": "La centrale non riceve",
        "name_en": "The centre is not receiving",
        "subject": "blind",
        "severity": "critical",
        "for_s": 60,
        "keep_s": 60,
        "escalate_s": 900,
    },
    {
        "slug": "rete-scadente",
        "name_it": "Collegamento scadente",
        "name_en": "Poor uplink",
        "kind": "ap",
        "causes": ["uplink_loss", "uplink_slow"],
        "for_s": 600,
        "keep_s": 900,
        "escalate_s": 0,
        "repeat_s": 86400,
        # Rain fades every radio link of an area together.
        "groups": ["area"],
        "group_window_s": 1800,
    },
    {
        "slug": "wifi-saturo",
        "name_it": "Wi-Fi al limite",
        "name_en": "Wi-Fi at its limit",
        "kind": "ap",
        "causes": ["saturated", "airtime_24_full", "airtime_5_full"],
        "for_s": 3600,
        "keep_s": 1800,
        "escalate_s": 0,
        "repeat_s": 86400,
    },
    {
        "slug": "totem-non-utilizzabile",
        "name_it": "Totem non utilizzabile",
        "name_en": "Totem out of use",
        "kind": "totem",
        "causes": ["page_dead", "display_off", "touch_broken", "touch_stuck"],
        "severity": "critical",
        "for_s": 180,
        "keep_s": 300,
        "hours_from": "07:00",
        "hours_to": "23:00",
    },
    {
        "slug": "surriscaldamento",
        "name_it": "Surriscaldamento",
        "name_en": "Overheating",
        "causes": ["very_hot_case", "very_hot_cpu"],
        "severity": "critical",
        "for_s": 60,
        "keep_s": 600,
    },
    {
        "slug": "sportello-aperto",
        "name_it": "Sportello aperto",
        "name_en": "Door open",
        "kind": "totem",
        "causes": ["door_open"],
        "for_s": 60,
        "keep_s": 60,
    },
    {
        "slug": "da-curare",
        "name_it": "Da curare",
        "name_en": "Needs care",
        "causes": ["disk_full", "storage_low", "memory_full", "undervoltage", "content_old", "damp_case", "clock_bad"],
        "for_s": 3600,
        "keep_s": 3600,
        "escalate_s": 0,
        "repeat_s": 86400,
    },
]


def add(apps: Any, schema_editor: Any) -> None:
    rule = apps.get_model("monitoring", "AlertRule")
    for fields in RULES:
        rule.objects.get_or_create(slug=fields["slug"], defaults=fields)


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0007_alert_transitions_are_only_added_to")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
