-- name: workers
SELECT worker, shards, extract(epoch FROM now() - at)::float8, connected, counters::text FROM ingest_heartbeat ORDER BY worker

-- name: devices
SELECT device.kind, coalesce(status.health, 'unknown'), count(*)
FROM monitoring_device device LEFT JOIN monitoring_devicestatus status ON status.device_id = device.id
WHERE device.lifecycle NOT IN ('planned', 'removed') GROUP BY 1, 2 ORDER BY 1, 2

-- name: dead_letters
SELECT reason, count(*) FROM monitoring_deadletter GROUP BY reason ORDER BY reason

-- name: store
-- What waits to be rolled up and since when, which shards nobody listens to, and the bytes of the samples.
SELECT (SELECT count(*) FROM telemetry_dirty),
       (SELECT coalesce(extract(epoch FROM now() - min(bucket)), 0)::float8 FROM telemetry_dirty),
       (SELECT count(*) FROM monitoring_shardwatch WHERE blind_since IS NOT NULL),
       (SELECT coalesce(sum(pg_total_relation_size(inhrelid)), 0)::bigint FROM pg_inherits
         JOIN pg_class parent ON parent.oid = inhparent WHERE parent.relname LIKE '%\_telemetry')

-- name: lead
-- Whether a monitor leads.
SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND classid = hashtext('geoportal.monitoring')::oid AND objid = hashtext('lead')::oid)

-- name: alerts
SELECT state, count(*) FROM monitoring_alert WHERE state <> 'resolved' GROUP BY state ORDER BY state
