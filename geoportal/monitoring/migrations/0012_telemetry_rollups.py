from pathlib import Path

from django.db import migrations

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACK = "DROP TABLE telemetry_dirty, telemetry_rollup; DROP FUNCTION counter_step;"


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0011_reconnections")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
