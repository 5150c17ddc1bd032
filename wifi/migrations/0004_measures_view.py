from pathlib import Path

from django.db import migrations

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("wifi", "0003_telemetry")]

    operations = [migrations.RunSQL(FORWARD, "DROP VIEW geodata.punti_accesso_wifi_misure;")]
