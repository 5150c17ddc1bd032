-- name: add_statuses
INSERT INTO monitoring_devicestatus
    (device_id, presence, presence_why, clock_bad, metrics, info, health, health_since, cause, evidence)
SELECT id, 'never', '', false, '{}', '{}', 'unknown', now(), 'never_seen', '[]'
FROM monitoring_device device
WHERE NOT EXISTS (SELECT FROM monitoring_devicestatus status WHERE status.device_id = device.id)
ON CONFLICT DO NOTHING

-- name: devices
SELECT device.id, devid, shard, kind, coalesce(status.clock_bad, false)
FROM monitoring_device device LEFT JOIN monitoring_devicestatus status ON status.device_id = device.id

-- name: stage
-- Temporary tables of this connection, emptied by each commit.
CREATE TEMP TABLE IF NOT EXISTS stage_status (
    device_id bigint, seen_at timestamptz, sample_at timestamptz, seq bigint, boot uuid, clock_bad boolean,
    metrics jsonb, info jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS stage_ack (
    device_id bigint, boot uuid, hi bigint, miss bigint[], at timestamptz
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE IF NOT EXISTS stage_event (
    device_id bigint, dedup text, channel text, code text, ts timestamptz, rx_at timestamptz,
    clock_bad boolean, hist boolean, data jsonb
) ON COMMIT DELETE ROWS

-- name: store_samples
-- A sample whose time is ours bears another time when it is delivered again: such ones are known by their number.
INSERT INTO {table} ({columns})
SELECT {columns} FROM {staging} stage
WHERE NOT stage.clock_bad OR NOT EXISTS (
    SELECT FROM {table} held
    WHERE held.device_id = stage.device_id AND held.boot = stage.boot AND held.seq = stage.seq
      AND held.ts > stage.ts - interval '8 days'
)
ON CONFLICT DO NOTHING

-- name: mark_dirty
-- The row is touched even when it is there: a monitor that is just computing this interval must see the mark again.
INSERT INTO telemetry_dirty AS held (device_id, bucket)
SELECT device_id, to_timestamp(bucket) FROM unnest(%(devices)s::bigint[], %(buckets)s::bigint[]) AS new(device_id, bucket)
ON CONFLICT (device_id, bucket) DO UPDATE SET bucket = held.bucket

-- name: store_events
INSERT INTO device_event (device_id, dedup, channel, code, ts, rx_at, clock_bad, hist, data)
SELECT * FROM stage_event ON CONFLICT DO NOTHING

-- name: store_acks
INSERT INTO ingest_ack AS held (device_id, boot, hi, miss, at)
SELECT device_id, boot, hi, miss, at FROM stage_ack
ON CONFLICT (device_id, boot) DO UPDATE SET hi = excluded.hi, miss = excluded.miss, at = excluded.at

-- name: acks
SELECT device_id, boot::text, hi, miss FROM ingest_ack
WHERE (device_id, boot) IN (SELECT * FROM unnest(%(devices)s::bigint[], %(boots)s::uuid[]))

-- name: lock_statuses
-- All rows this batch will change, in the order in which everybody locks them; the connection of those that spoke of it.
WITH locked AS MATERIALIZED (
    SELECT device_id, presence, boot, conn, presence_at, presence_why FROM monitoring_devicestatus
    WHERE device_id = ANY(%(ids)s) ORDER BY device_id FOR NO KEY UPDATE
)
SELECT device_id, presence, boot::text, conn, presence_at, presence_why FROM locked
WHERE device_id = ANY(%(spoke)s)

-- name: update_presences
UPDATE monitoring_devicestatus status
SET presence = new.presence, boot = new.boot, conn = new.conn, presence_at = new.at, presence_why = new.why
FROM unnest(%(ids)s::bigint[], %(presences)s::text[], %(boots)s::uuid[], %(conns)s::bigint[], %(ats)s::timestamptz[],
            %(whys)s::text[]) AS new(device_id, presence, boot, conn, at, why)
WHERE status.device_id = new.device_id

-- name: update_statuses
-- Newer is: a higher number of the boot that is running, or a later time. Numbers do not mind a clock that was set back.
UPDATE monitoring_devicestatus status
SET last_seen_at = greatest(status.last_seen_at, stage.seen_at),
    sample_at = CASE WHEN new.er THEN stage.sample_at ELSE status.sample_at END,
    sample_seq = CASE WHEN new.er THEN stage.seq ELSE status.sample_seq END,
    metrics = CASE WHEN new.er THEN stage.metrics ELSE status.metrics END,
    clock_bad = coalesce(stage.clock_bad, status.clock_bad),
    info = coalesce(stage.info, status.info)
FROM stage_status stage
JOIN monitoring_devicestatus held USING (device_id)
CROSS JOIN LATERAL (SELECT stage.sample_at IS NOT NULL AND (
    held.sample_at IS NULL OR stage.sample_at > held.sample_at
    OR (stage.boot = held.boot AND stage.seq > held.sample_seq)) AS er) new
WHERE status.device_id = stage.device_id

-- name: dead_letters
INSERT INTO monitoring_deadletter (topic, payload, payload_bytes, reason, detail, received_at) VALUES %s

-- name: notify
SELECT pg_notify('devices', %(ids)s)

-- name: heartbeat
INSERT INTO ingest_heartbeat AS held (worker, shards, at, connected, counters)
VALUES (%(worker)s, %(shards)s, now(), %(connected)s, %(counters)s)
ON CONFLICT (worker) DO UPDATE
SET shards = excluded.shards, at = excluded.at, connected = excluded.connected, counters = excluded.counters
