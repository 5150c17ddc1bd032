-- name: cause_readings
-- Devices of which an evidence that weighs has one of these codes, and devices with an open alert of the rule.
-- in: kind ('' all), causes (text[]), open (devids). out: device, groups, service, holds, since, evidence.
-- health is indexed, so a city that is well costs nothing.
SELECT device.id, device.devid, device.feeder, device.cabinet, device.area, status.health, device.lifecycle,
       status.sample_at, shown.item IS NOT NULL, (shown.item ->> 'since')::timestamptz, shown.item::text
FROM monitoring_devicestatus status
JOIN monitoring_device device ON device.id = status.device_id
LEFT JOIN LATERAL (
    SELECT item FROM jsonb_array_elements(status.evidence) AS item
    WHERE item ->> 'code' = ANY(%(causes)s) AND item ->> 'severity' <> 'note'
    ORDER BY item ->> 'since' LIMIT 1
) AS shown ON true
WHERE status.device_id IN (
    SELECT device_id FROM monitoring_devicestatus WHERE health IN ('problem', 'critical')
    UNION SELECT id FROM monitoring_device WHERE devid = ANY(%(open)s)
) AND ((shown.item IS NOT NULL AND %(kind)s IN ('', device.kind)) OR device.devid = ANY(%(open)s))

-- name: metric_readings
-- Devices whose newest sample is beyond the threshold that raises, and devices with an open alert of the rule: those
-- that are out (not only waiting) against the threshold that clears. A sample that is old, or that does not measure it, says nothing.
SELECT device.id, device.devid, device.feeder, device.cabinet, device.area, status.health, device.lifecycle,
       status.sample_at, reading.holds, NULL::timestamptz,
       jsonb_build_object('code', %(metric)s::text, 'value', reading.value, 'threshold', %(raise_at)s::float8)::text
FROM monitoring_devicestatus status
JOIN monitoring_device device ON device.id = status.device_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN jsonb_typeof(status.metrics -> %(metric)s) = 'number' AND status.sample_at >= %(oldest)s
                THEN (status.metrics ->> %(metric)s)::float8 END AS value,
           CASE WHEN device.devid = ANY(%(out)s) THEN %(clear_at)s::float8 ELSE %(raise_at)s::float8 END AS edge
) AS measured
CROSS JOIN LATERAL (
    SELECT measured.value,
           CASE WHEN device.devid = ANY(%(out)s) AND %(falling)s THEN measured.value < measured.edge
                WHEN device.devid = ANY(%(out)s) THEN measured.value > measured.edge
                WHEN %(falling)s THEN measured.value <= measured.edge
                ELSE measured.value >= measured.edge END AS holds
) AS reading
WHERE (reading.holds AND %(kind)s IN ('', device.kind)) OR device.devid = ANY(%(open)s)

-- name: group_counts
-- How many devices of each group are in service and seen, and how many cannot be seen.
SELECT wanted.scope, wanted.key,
       count(*) FILTER (WHERE status.health IN ('ok', 'problem', 'critical')),
       count(*) FILTER (WHERE status.health = 'unknown')
FROM unnest(%(scopes)s::text[], %(keys)s::text[]) AS wanted(scope, key)
JOIN monitoring_device device
  ON wanted.key = CASE wanted.scope WHEN 'feeder' THEN device.feeder WHEN 'cabinet' THEN device.cabinet
                                    ELSE device.area END
JOIN monitoring_devicestatus status ON status.device_id = device.id
WHERE device.lifecycle = 'active' AND %(kind)s IN ('', device.kind)
GROUP BY wanted.scope, wanted.key

-- name: blind_shards
-- Since when, to which shards, and to how many devices in service nobody listens.
SELECT min(watch.blind_since), array_agg(DISTINCT watch.shard), count(*)
FROM monitoring_shardwatch watch
JOIN monitoring_device device ON device.shard = watch.shard AND device.lifecycle = 'active'
WHERE watch.blind_since IS NOT NULL

-- name: update_alerts
-- Changed alerts, written at once. in: rows (jsonb array of objects with the columns below).
UPDATE monitoring_alert AS held
SET state = row.state, since = row.since, samples = row.samples, mark = row.mark, clear_since = row.clear_since,
    fired_at = row.fired_at, notified_at = row.notified_at, escalated_at = row.escalated_at, flips = row.flips,
    is_flapping = row.is_flapping, suppressed_by_id = row.suppressed_by_id, resolved_at = row.resolved_at,
    evidence = row.evidence
FROM jsonb_to_recordset(%(rows)s::jsonb) AS row(
    id bigint, state text, since timestamptz, samples int, mark text, clear_since timestamptz, fired_at timestamptz,
    notified_at timestamptz, escalated_at timestamptz, flips timestamptz[], is_flapping boolean,
    suppressed_by_id bigint, resolved_at timestamptz, evidence jsonb)
WHERE held.id = row.id

-- name: forget_before
-- For the rest of the transaction: the trigger that keeps the history lets go what is older.
SELECT set_config('geoportal.forget_before', %(before)s::timestamptz::text, true)

-- name: old_alerts
SELECT id FROM monitoring_alert WHERE resolved_at < %(before)s ORDER BY id LIMIT %(most)s

-- name: release_from_old
UPDATE monitoring_alert SET suppressed_by_id = NULL WHERE suppressed_by_id = ANY(%(ids)s)

-- name: forget_deliveries_of
DELETE FROM monitoring_alertdelivery
WHERE transition_id IN (SELECT id FROM monitoring_alerttransition WHERE alert_id = ANY(%(ids)s))

-- name: forget_transitions_of
DELETE FROM monitoring_alerttransition WHERE alert_id = ANY(%(ids)s)

-- name: forget_alerts
DELETE FROM monitoring_alert WHERE id = ANY(%(ids)s)

-- name: forget_deliveries
-- What was sent or given up long ago; what still waits stays.
DELETE FROM monitoring_alertdelivery WHERE coalesce(sent_at, dropped_at) < %(before)s
