from pathlib import Path

from django.db import migrations

FORWARD = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


class Migration(migrations.Migration):
    dependencies = [("wifi", "0002_layer_view"), ("monitoring", "0005_ingest_tables")]

    operations = [migrations.RunSQL(FORWARD, "DROP TABLE wifi_telemetry;")]
