-- What access points measured, as means over an hour and over a day of the city: for times whose samples are too many.
-- The columns are those of punti_accesso_wifi_misure; ts is the beginning.
CREATE VIEW geodata.punti_accesso_wifi_misure_1h AS
SELECT device.id AS fid, device.devid, device.geom, rolled.bucket AS ts,
       (rolled.gauges -> 'clients_24' ->> 1)::float8 AS clients_24,
       (rolled.gauges -> 'clients_5' ->> 1)::float8 AS clients_5,
       (rolled.gauges -> 'cpu' ->> 1)::float8 AS cpu,
       (rolled.gauges -> 'mem' ->> 1)::float8 AS mem,
       (rolled.gauges -> 'temp_cpu' ->> 1)::float8 AS temp_cpu,
       (rolled.gauges -> 'noise_24' ->> 1)::float8 AS noise_24,
       (rolled.gauges -> 'noise_5' ->> 1)::float8 AS noise_5,
       (rolled.gauges -> 'air_24' ->> 1)::float8 AS air_24,
       (rolled.gauges -> 'air_5' ->> 1)::float8 AS air_5,
       (rolled.gauges -> 'loss' ->> 1)::float8 AS loss,
       (rolled.gauges -> 'rtt' ->> 1)::float8 AS rtt
FROM telemetry_rollup rolled
JOIN monitoring_device device ON device.id = rolled.device_id
WHERE rolled.step = 3600 AND device.kind = 'ap' AND device.lifecycle NOT IN ('planned', 'removed');
CREATE VIEW geodata.punti_accesso_wifi_misure_1d AS
SELECT device.id AS fid, device.devid, device.geom, rolled.bucket AS ts,
       (rolled.gauges -> 'clients_24' ->> 1)::float8 AS clients_24,
       (rolled.gauges -> 'clients_5' ->> 1)::float8 AS clients_5,
       (rolled.gauges -> 'cpu' ->> 1)::float8 AS cpu,
       (rolled.gauges -> 'mem' ->> 1)::float8 AS mem,
       (rolled.gauges -> 'temp_cpu' ->> 1)::float8 AS temp_cpu,
       (rolled.gauges -> 'noise_24' ->> 1)::float8 AS noise_24,
       (rolled.gauges -> 'noise_5' ->> 1)::float8 AS noise_5,
       (rolled.gauges -> 'air_24' ->> 1)::float8 AS air_24,
       (rolled.gauges -> 'air_5' ->> 1)::float8 AS air_5,
       (rolled.gauges -> 'loss' ->> 1)::float8 AS loss,
       (rolled.gauges -> 'rtt' ->> 1)::float8 AS rtt
FROM telemetry_rollup rolled
JOIN monitoring_device device ON device.id = rolled.device_id
WHERE rolled.step = 86400 AND device.kind = 'ap' AND device.lifecycle NOT IN ('planned', 'removed');
