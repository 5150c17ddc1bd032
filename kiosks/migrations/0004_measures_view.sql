-- What totems measured, as the services hand it out (docs/adr/0081). The comment of a column makes it a parameter:
-- title in Italian|title in English|unit (UCUM)|access.
CREATE VIEW geodata.totem_misure AS
SELECT device.id AS fid, device.devid, device.geom, sample.ts,
       sample.touches, sample.sessions, sample.temp_case, sample.hum, sample.cpu, sample.mem, sample.disk, sample.backlight
FROM kiosks_telemetry sample
JOIN monitoring_device device ON device.id = sample.device_id
WHERE NOT sample.clock_bad AND device.lifecycle NOT IN ('planned', 'removed');
COMMENT ON COLUMN geodata.totem_misure.touches IS 'Tocchi|Touches|1|internal';
COMMENT ON COLUMN geodata.totem_misure.sessions IS 'Sessioni|Sessions|1|internal';
COMMENT ON COLUMN geodata.totem_misure.temp_case IS 'Temperatura interna|Temperature of the case|Cel|public';
COMMENT ON COLUMN geodata.totem_misure.hum IS 'Umidità interna|Humidity of the case|%|public';
COMMENT ON COLUMN geodata.totem_misure.cpu IS 'Processore|Processor|%|internal';
COMMENT ON COLUMN geodata.totem_misure.mem IS 'Memoria|Memory|%|internal';
COMMENT ON COLUMN geodata.totem_misure.disk IS 'Disco|Disk|%|internal';
COMMENT ON COLUMN geodata.totem_misure.backlight IS 'Luminosità dello schermo|Backlight|%|internal';
