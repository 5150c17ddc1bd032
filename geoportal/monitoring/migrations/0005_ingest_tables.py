from pathlib import Path

from django.db import migrations

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACKWARD = """
DROP TRIGGER device_registry_changed ON monitoring_device;
DROP FUNCTION device_registry_changed();
DROP FUNCTION telemetry_ensure_day(text, date);
DROP TABLE ingest_heartbeat;
DROP TABLE ingest_ack;
DROP TABLE device_event;
"""


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0004_shardwatch_checked_at")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
