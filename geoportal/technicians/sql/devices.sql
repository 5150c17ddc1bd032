-- name: device_rows
-- Every device of these kinds with its last status, worst first, then longest in that state.
-- in: kinds (text[]), weights (jsonb, health to rank). out: one row per device.
SELECT d.devid, d.kind, d.name_it, d.name_en, d.place, d.area, d.is_sample, d.position_quality, d.lifecycle,
       ST_X(p.point) AS lon, ST_Y(p.point) AS lat,
       coalesce(s.health, 'unknown') AS health, coalesce(s.health_since, d.created_at) AS since,
       coalesce(s.cause, 'never_seen') AS cause, coalesce(s.presence, 'never') AS presence, s.last_seen_at
FROM monitoring_device AS d
LEFT JOIN monitoring_devicestatus AS s ON s.device_id = d.id
CROSS JOIN LATERAL (SELECT ST_Transform(d.geom, 4326) AS point) AS p
WHERE d.kind = ANY (%(kinds)s) AND d.lifecycle <> 'removed'
ORDER BY (%(weights)s::jsonb ->> coalesce(s.health, 'unknown'))::int, coalesce(s.health_since, d.created_at), d.name_it

-- name: device_row
-- One device of these kinds with all that is known of it. in: devid, kinds (text[]).
SELECT d.devid, d.kind, d.name_it, d.name_en, d.place, d.area, d.is_sample, d.position_quality, d.lifecycle,
       d.operator, d.cabinet, d.feeder, d.notes, d.interval_s, d.id, d.enrolled_at,
       ST_X(p.point) AS lon, ST_Y(p.point) AS lat,
       coalesce(s.health, 'unknown') AS health, coalesce(s.health_since, d.created_at) AS since,
       coalesce(s.cause, 'never_seen') AS cause, coalesce(s.presence, 'never') AS presence, s.presence_at,
       s.presence_why, s.last_seen_at, s.sample_at, coalesce(s.clock_bad, false) AS clock_bad,
       coalesce(s.metrics, '{}'::jsonb) AS metrics, coalesce(s.info, '{}'::jsonb) AS info,
       coalesce(s.evidence, '[]'::jsonb) AS evidence
FROM monitoring_device AS d
LEFT JOIN monitoring_devicestatus AS s ON s.device_id = d.id
CROSS JOIN LATERAL (SELECT ST_Transform(d.geom, 4326) AS point) AS p
WHERE d.devid = %(devid)s AND d.kind = ANY (%(kinds)s)

-- name: dead_letters
-- How many messages about one device were discarded. in: topic_part (its place in a topic, between slashes).
SELECT count(*) FROM monitoring_deadletter WHERE position(%(topic_part)s IN topic) > 0

-- name: denials
-- How often the broker denied a device a topic, as long as that is kept.
SELECT coalesce(sum(count), 0) FROM monitoring_brokerdenial WHERE client = %(devid)s
