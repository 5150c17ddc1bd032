from django.db import migrations

FORWARD = """
CREATE VIEW geodata.punti_accesso_wifi AS
SELECT device.id AS fid, device.devid, device.name_it AS nome, device.place AS luogo,
       status.health AS stato, status.health_since AS stato_dal, status.cause AS causa,
       status.presence AS collegamento, status.last_seen_at AS ultimo_contatto,
       point.ssid AS rete, point.is_outdoor AS all_aperto, point.capacity AS capienza, point.coverage_m AS raggio_m,
       device.operator AS gestore, device.lifecycle AS stato_di_vita,
       device.position_quality AS qualita_posizione, device.is_sample AS dati_di_esempio, device.geom
FROM monitoring_device device
JOIN monitoring_devicestatus status ON status.device_id = device.id
JOIN wifi_accesspoint point ON point.device_ptr_id = device.id
WHERE device.lifecycle NOT IN ('planned', 'removed')
"""
BACKWARD = "DROP VIEW geodata.punti_accesso_wifi"


class Migration(migrations.Migration):
    dependencies = [
        ("wifi", "0001_initial"),
        ("monitoring", "0003_state_intervals"),
        ("layers", "0002_geodata_schema_and_version_triggers"),
    ]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
