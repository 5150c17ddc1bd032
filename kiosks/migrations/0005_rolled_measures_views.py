from pathlib import Path

from django.db import migrations

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACK = "DROP VIEW geodata.totem_misure_1h, geodata.totem_misure_1d;"


class Migration(migrations.Migration):
    dependencies = [("kiosks", "0004_measures_view"), ("monitoring", "0012_telemetry_rollups")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
