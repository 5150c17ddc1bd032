-- name: intervals
-- The states of a kind's devices that meet a period, as changes in time order; what began before it begins with it
-- by its true time, so that it has lasted as long as it had. in: begin, end, kind, causes, most.
SELECT device.devid, device.feeder, device.cabinet, device.area, held.started_at, held.health,
       held.cause = ANY(%(causes)s) AND (held.health IN ('problem', 'critical') OR held.cause = 'we_are_blind'),
       held.cause
FROM monitoring_stateinterval held
JOIN monitoring_device device ON device.id = held.device_id
WHERE held.started_at < %(end)s AND coalesce(held.ended_at, 'infinity') > %(begin)s AND %(kind)s IN ('', device.kind)
ORDER BY held.started_at, device.id
LIMIT %(most)s

-- name: samples
-- One measurement of a period, in time order; samples with a wrong clock are left out.
SELECT device.devid, device.feeder, device.cabinet, device.area, sample.ts, sample.{metric}
FROM {table} sample
JOIN monitoring_device device ON device.id = sample.device_id
WHERE sample.ts >= %(begin)s AND sample.ts < %(end)s AND sample.{metric} IS NOT NULL AND NOT sample.clock_bad
ORDER BY sample.ts, device.id
LIMIT %(most)s
