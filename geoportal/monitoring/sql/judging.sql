-- name: most_are_lost
-- Part of other statements. Whether most of the devices that were there sent their wills within the hold: three at
-- least, and more than stayed. in: now lost_hold.
(SELECT count(*) FILTER (WHERE other.presence = 'lost') >= 3
        AND 2 * count(*) FILTER (WHERE other.presence = 'lost') > count(*)
   FROM monitoring_devicestatus other
  WHERE other.presence = 'online'
     OR other.presence = 'lost' AND other.presence_at > %(now)s - %(lost_hold)s::interval)

-- name: observe
-- The rows to judge, locked in one order so that two writers never wait for each other in a circle.
SELECT device.id, device.kind, device.lifecycle, device.interval_s, device.enrolled_at,
       status.presence, status.presence_at, status.last_seen_at,
       cardinality(status.reconnected_at),
       CASE WHEN status.presence = 'lost' AND status.presence_at > %(now)s - %(lost_hold)s::interval
            THEN {most_are_lost}
            ELSE false END,
       status.clock_bad, status.metrics::text,
       status.health, status.cause, status.evidence::text,
       (SELECT min(work.starts_at) FROM monitoring_maintenancewindow work
         WHERE work.device_id = device.id AND work.starts_at <= %(now)s AND work.ends_at > %(now)s),
       watch.blind_since, watch.listening_since
FROM monitoring_devicestatus status
JOIN monitoring_device device ON device.id = status.device_id
LEFT JOIN monitoring_shardwatch watch ON watch.shard = device.shard
WHERE status.device_id = ANY(%(ids)s)
ORDER BY status.device_id
FOR NO KEY UPDATE OF status

-- name: attributes
SELECT {table}.device_ptr_id, {columns} FROM {table} WHERE {table}.device_ptr_id = ANY(%(ids)s)

-- name: write_judgements
UPDATE monitoring_devicestatus status
SET health = judged.health, cause = judged.cause, evidence = judged.evidence::jsonb,
    health_since = CASE WHEN status.health = judged.health THEN status.health_since ELSE %(now)s END
FROM unnest(%(ids)s::bigint[], %(healths)s::text[], %(causes)s::text[], %(evidences)s::text[])
     AS judged(device_id, health, cause, evidence)
WHERE status.device_id = judged.device_id

-- name: close_intervals
-- An interval never ends before it began, even when a clock was set back between two judgements.
UPDATE monitoring_stateinterval SET ended_at = greatest(started_at, %(now)s)
WHERE ended_at IS NULL AND device_id = ANY(%(ids)s)

-- name: open_intervals
INSERT INTO monitoring_stateinterval (device_id, health, cause, started_at)
SELECT device_id, health, cause,
       greatest(%(now)s, (SELECT max(held.ended_at) FROM monitoring_stateinterval held
                           WHERE held.device_id = judged.device_id))
FROM unnest(%(ids)s::bigint[], %(healths)s::text[], %(causes)s::text[]) AS judged(device_id, health, cause)
