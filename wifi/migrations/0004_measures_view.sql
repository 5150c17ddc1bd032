-- What access points measured, as the services hand it out (docs/adr/0081). The comment of a column makes it a parameter:
-- title in Italian|title in English|unit (UCUM)|access.
CREATE VIEW geodata.punti_accesso_wifi_misure AS
SELECT device.id AS fid, device.devid, device.geom, sample.ts,
       sample.clients_24, sample.clients_5, sample.cpu, sample.mem, sample.temp_cpu,
       sample.noise_24, sample.noise_5, sample.air_24, sample.air_5, sample.loss, sample.rtt
FROM wifi_telemetry sample
JOIN monitoring_device device ON device.id = sample.device_id
WHERE NOT sample.clock_bad AND device.lifecycle NOT IN ('planned', 'removed');
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.clients_24 IS 'Dispositivi collegati a 2,4 GHz|Clients at 2.4 GHz|1|public';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.clients_5 IS 'Dispositivi collegati a 5 GHz|Clients at 5 GHz|1|public';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.cpu IS 'Processore|Processor|%|internal';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.mem IS 'Memoria|Memory|%|internal';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.temp_cpu IS 'Temperatura|Temperature|Cel|internal';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.noise_24 IS 'Rumore a 2,4 GHz|Noise at 2.4 GHz|dB[mW]|internal';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.noise_5 IS 'Rumore a 5 GHz|Noise at 5 GHz|dB[mW]|internal';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.air_24 IS 'Canale occupato a 2,4 GHz|Airtime at 2.4 GHz|%|internal';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.air_5 IS 'Canale occupato a 5 GHz|Airtime at 5 GHz|%|internal';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.loss IS 'Pacchetti persi|Packets lost|%|internal';
COMMENT ON COLUMN geodata.punti_accesso_wifi_misure.rtt IS 'Tempo di andata e ritorno|Round-trip time|ms|internal';
