-- What totems measured, as means over an hour and over a day of the city: for times whose samples are too many.
-- The columns are those of totem_misure; ts is the beginning.
CREATE VIEW geodata.totem_misure_1h AS
SELECT device.id AS fid, device.devid, device.geom, rolled.bucket AS ts,
       (rolled.gauges -> 'touches' ->> 1)::float8 AS touches,
       (rolled.gauges -> 'sessions' ->> 1)::float8 AS sessions,
       (rolled.gauges -> 'temp_case' ->> 1)::float8 AS temp_case,
       (rolled.gauges -> 'hum' ->> 1)::float8 AS hum,
       (rolled.gauges -> 'cpu' ->> 1)::float8 AS cpu,
       (rolled.gauges -> 'mem' ->> 1)::float8 AS mem,
       (rolled.gauges -> 'disk' ->> 1)::float8 AS disk,
       (rolled.gauges -> 'backlight' ->> 1)::float8 AS backlight
FROM telemetry_rollup rolled
JOIN monitoring_device device ON device.id = rolled.device_id
WHERE rolled.step = 3600 AND device.kind = 'totem' AND device.lifecycle NOT IN ('planned', 'removed');
CREATE VIEW geodata.totem_misure_1d AS
SELECT device.id AS fid, device.devid, device.geom, rolled.bucket AS ts,
       (rolled.gauges -> 'touches' ->> 1)::float8 AS touches,
       (rolled.gauges -> 'sessions' ->> 1)::float8 AS sessions,
       (rolled.gauges -> 'temp_case' ->> 1)::float8 AS temp_case,
       (rolled.gauges -> 'hum' ->> 1)::float8 AS hum,
       (rolled.gauges -> 'cpu' ->> 1)::float8 AS cpu,
       (rolled.gauges -> 'mem' ->> 1)::float8 AS mem,
       (rolled.gauges -> 'disk' ->> 1)::float8 AS disk,
       (rolled.gauges -> 'backlight' ->> 1)::float8 AS backlight
FROM telemetry_rollup rolled
JOIN monitoring_device device ON device.id = rolled.device_id
WHERE rolled.step = 86400 AND device.kind = 'totem' AND device.lifecycle NOT IN ('planned', 'removed');
