-- name: device
-- One device as list, detail and stream all give it; the detail goes before its end.
json_build_object(
    'devid', device.devid,
    'kind', device.kind,
    'name', CASE WHEN asked.language = 'en' AND device.name_en <> '' THEN device.name_en ELSE device.name_it END,
    'place', device.place,
    'lon', round(ST_X(ST_Transform(device.geom, 4326))::numeric, 7),
    'lat', round(ST_Y(ST_Transform(device.geom, 4326))::numeric, 7),
    'health', status.health,
    'since', status.health_since,
    'cause', status.cause,
    'cause_text', coalesce(asked.texts ->> status.cause, status.cause),
    'presence', status.presence,
    'last_seen_at', status.last_seen_at,
    'is_sample', device.is_sample,
    'position_quality', device.position_quality
    {more})

-- name: detail
-- What the device measured and is made of goes to those who look after it: live counts of people at a place are not
-- for everyone (docs/devices.md).
    , 'lifecycle', device.lifecycle,
    'interval_s', device.interval_s,
    'presence_at', status.presence_at,
    'clock_bad', status.clock_bad,
    'sample_at', status.sample_at,
    'evidence', (SELECT coalesce(json_agg(item || jsonb_build_object(
                            'text', coalesce(asked.texts ->> (item ->> 'code'), item ->> 'code')) ORDER BY place), '[]')
                   FROM jsonb_array_elements(status.evidence) WITH ORDINALITY AS evidences(item, place)),
    'metrics', CASE WHEN %(internal)s THEN status.metrics ELSE '{{}}' END,
    'info', CASE WHEN %(internal)s THEN status.info ELSE '{{}}' END

-- name: list_devices
SELECT json_build_object('devices', coalesce(json_agg({device} ORDER BY device.devid), '[]'))::text
FROM monitoring_device device
JOIN monitoring_devicestatus status ON status.device_id = device.id,
     (SELECT %(language)s AS language, %(texts)s::jsonb AS texts) AS asked
WHERE device.kind = ANY(%(kinds)s) AND device.lifecycle NOT IN ('planned', 'removed')

-- name: one_device
SELECT {device}::text
FROM monitoring_device device
JOIN monitoring_devicestatus status ON status.device_id = device.id,
     (SELECT %(language)s AS language, %(texts)s::jsonb AS texts) AS asked
WHERE device.devid = %(devid)s AND device.kind = ANY(%(kinds)s) AND device.lifecycle NOT IN ('planned', 'removed')

-- name: changed_devices
-- The objects of these devices, once for each kind and language: what a reader may see is put together from these.
SELECT asked.language, device.kind, json_agg({device} ORDER BY device.devid)::text
FROM monitoring_device device
JOIN monitoring_devicestatus status ON status.device_id = device.id
CROSS JOIN unnest(%(languages)s::text[], %(texts)s::jsonb[]) AS asked(language, texts)
WHERE device.id = ANY(%(ids)s) AND device.lifecycle NOT IN ('planned', 'removed')
GROUP BY asked.language, device.kind
