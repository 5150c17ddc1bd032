-- name: lead
-- Held by the connection: whoever loses the connection loses the lead, and another monitor takes over.
SELECT pg_try_advisory_lock(hashtext('geoportal.monitoring'), hashtext('lead'))

-- name: has_heartbeats
SELECT to_regclass('ingest_heartbeat') IS NOT NULL

-- name: watch_shards
-- A shard is listened to when a worker that is connected to the broker says so. Coming back from blindness, and from a
-- time in which no monitor looked, starts the devices' grace anew.
WITH heard AS (
    SELECT shard, max(worker.at) AS at
    FROM ingest_heartbeat worker, unnest(worker.shards) AS shard
    WHERE worker.connected
    GROUP BY shard
), looked AS (
    SELECT known.shard, heard.at, coalesce(heard.at > %(now)s - %(blind_after)s::interval, false) AS listening
    FROM (SELECT DISTINCT shard FROM monitoring_device) AS known
    LEFT JOIN heard ON heard.shard = known.shard
)
INSERT INTO monitoring_shardwatch AS held (shard, blind_since, listening_since, checked_at)
SELECT shard, CASE WHEN NOT listening THEN coalesce(at, %(now)s) END, CASE WHEN listening THEN %(now)s END, %(now)s
FROM looked
ON CONFLICT (shard) DO UPDATE SET
    blind_since = CASE WHEN excluded.blind_since IS NULL THEN NULL
                       ELSE coalesce(held.blind_since, excluded.blind_since) END,
    listening_since = CASE WHEN excluded.blind_since IS NOT NULL THEN held.listening_since
                           WHEN held.blind_since IS NOT NULL THEN %(now)s
                           WHEN held.checked_at < %(now)s - %(blind_after)s::interval THEN %(now)s
                           ELSE held.listening_since END,
    checked_at = %(now)s

-- name: ingest_age
-- Of every shard the newest word: rows of workers that had other ranges once stay in the table.
SELECT extract(epoch FROM now() - min(at))::float8, bool_and(connected)
FROM (SELECT DISTINCT ON (shard) shard, worker.at, worker.connected
      FROM ingest_heartbeat worker, unnest(worker.shards) AS shard ORDER BY shard, worker.at DESC) AS newest

-- name: due
-- Devices whose judgement no longer fits the moment, without anything having arrived: see `health` for the rules.
-- In the order of their ids, those behind `after`: a look takes each of them once, whatever the judgement says.
SELECT device.id
FROM monitoring_device device
JOIN monitoring_devicestatus status ON status.device_id = device.id
LEFT JOIN monitoring_shardwatch watch ON watch.shard = device.shard
CROSS JOIN LATERAL (SELECT
    EXISTS (SELECT FROM monitoring_maintenancewindow work
             WHERE work.device_id = device.id AND work.starts_at <= %(now)s AND work.ends_at > %(now)s) AS maintained,
    coalesce(status.last_seen_at <= watch.blind_since, false) AS blind,
    %(now)s - greatest(status.last_seen_at, watch.listening_since) AS silence,
    device.interval_s * interval '1 second' AS every) AS moment
WHERE device.id > %(after)s AND CASE
    WHEN device.lifecycle = 'removed' THEN status.cause <> 'removed'
    WHEN device.lifecycle IN ('planned', 'installed') THEN status.cause <> 'not_yet_active'
    WHEN device.lifecycle = 'suspended' THEN status.cause <> 'suspended'
    WHEN maintained THEN status.cause <> 'in_maintenance'
    WHEN status.last_seen_at IS NULL THEN status.cause <> CASE
        WHEN device.enrolled_at IS NOT NULL AND watch.blind_since IS NULL
            AND %(now)s - greatest(device.enrolled_at, watch.listening_since)
                > greatest(%(first_word)s::interval, %(intervals)s * every)
        THEN 'never_heard' ELSE 'never_seen' END
    WHEN blind THEN status.cause <> 'we_are_blind'
    WHEN status.cause IN ('removed', 'not_yet_active', 'suspended', 'in_maintenance', 'never_seen', 'never_heard', 'we_are_blind')
        THEN true
    WHEN status.presence = 'offline' THEN status.cause <> 'switched_off'
    WHEN silence > %(intervals)s * every THEN
        NOT status.evidence @> '[{{"code": "silent"}}]'
        OR (silence > greatest(%(long)s::interval, %(long_intervals)s * every)
            AND status.evidence @> '[{{"code": "silent", "severity": "problem"}}]')
    WHEN status.presence = 'lost' AND status.evidence @> '[{{"code": "connection_lost", "severity": "note"}}]' THEN
        %(now)s >= CASE WHEN status.presence_at BETWEEN watch.listening_since - %(lost_hold)s::interval
                                                    AND watch.listening_since + %(late_wills)s::interval
                        THEN watch.listening_since + %(intervals)s * every
                        WHEN {most_are_lost} THEN status.presence_at + %(lost_hold)s::interval
                        ELSE status.presence_at + %(lost_moment)s::interval END
    ELSE false
END
ORDER BY device.id
LIMIT %(limit)s

-- name: note_reconnections
-- Count the connections made since the last look, and forget those that left the window. out: ids of those that are
-- unstable or were; a city that comes back at once after a restart is not judged for it.
-- A counter that was never looked at, or went back (a new spool), begins anew without a count.
WITH moved AS (
    SELECT device_id FROM monitoring_devicestatus
    WHERE conn IS DISTINCT FROM conn_seen OR reconnected_at[1] < %(now)s - %(window)s::interval
    ORDER BY device_id FOR NO KEY UPDATE
), counted AS (
    UPDATE monitoring_devicestatus AS status
    SET conn_seen = conn,
        reconnected_at =
            ARRAY(SELECT at FROM unnest(reconnected_at) AS at WHERE at >= %(now)s - %(window)s::interval ORDER BY at)
            || array_fill(%(now)s::timestamptz, ARRAY[coalesce(least(greatest(conn - conn_seen, 0), %(most)s), 0)::int])
    FROM moved WHERE status.device_id = moved.device_id
    RETURNING status.device_id, cardinality(reconnected_at) AS number, evidence
)
SELECT device_id FROM counted WHERE number >= %(unstable)s OR evidence @> '[{"code": "unstable"}]' ORDER BY device_id

-- name: notify
SELECT pg_notify('devices', %(ids)s)

-- name: ensure_partitions
-- Days ahead are made before they are needed; the function is the telemetry store's own.
SELECT telemetry_ensure_day(parent.relname::text, day::date)
FROM pg_partitioned_table partitioned
JOIN pg_class parent ON parent.oid = partitioned.partrelid
CROSS JOIN generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS day
WHERE parent.relname LIKE '%%\_telemetry' AND to_regproc('telemetry_ensure_day') IS NOT NULL

-- name: old_partitions
-- The partitions of whole days before the limit, by the day in their name.
SELECT child.relname::text
FROM pg_inherits
JOIN pg_class child ON child.oid = inhrelid
JOIN pg_class parent ON parent.oid = inhparent
WHERE parent.relname LIKE '%%\_telemetry' AND child.relname ~ '_telemetry_[0-9]{{8}}$'
  AND to_date(right(child.relname, 8), 'YYYYMMDD') < %(before)s::date

-- name: drop_partition
DROP TABLE {table}

-- name: forget_dead_letters
DELETE FROM monitoring_deadletter WHERE received_at < %(before)s

-- name: forget_intervals
DELETE FROM monitoring_stateinterval WHERE ended_at < %(before)s
