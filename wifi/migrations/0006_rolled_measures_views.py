from pathlib import Path

from django.db import migrations

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
BACK = "DROP VIEW geodata.punti_accesso_wifi_misure_1h, geodata.punti_accesso_wifi_misure_1d;"


class Migration(migrations.Migration):
    dependencies = [("wifi", "0005_netjson_keys"), ("monitoring", "0012_telemetry_rollups")]

    operations = [migrations.RunSQL(FORWARD, BACK)]
