-- name: take_dirty
-- Marked intervals that are over, each with its kind of device. One that ingest is marking at this moment is left for the
-- next time, as are those that a transaction of ingest may still be writing to. What lies before the kept samples is
-- unmarked and stays as it was computed.
WITH taken AS (
    DELETE FROM telemetry_dirty WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM telemetry_dirty
        WHERE bucket <= least(%(closed)s, (SELECT min(xact_start) FROM pg_stat_activity
                                            WHERE application_name LIKE 'geoportal ingest-%%')) - interval '5 minutes'
        ORDER BY bucket LIMIT %(limit)s FOR UPDATE SKIP LOCKED))
    RETURNING device_id, bucket
)
SELECT device.kind, taken.device_id, taken.bucket
FROM taken LEFT JOIN monitoring_device device ON device.id = taken.device_id

-- name: followers
-- The intervals that hold the sample after a marked one: what they count begins there.
SELECT DISTINCT asked.device_id, date_bin('5 minutes', next.ts, 'epoch')
FROM unnest(%(devices)s::bigint[], %(buckets)s::timestamptz[]) AS asked(device_id, bucket)
CROSS JOIN LATERAL (
    SELECT ts FROM {table} sample
    WHERE sample.device_id = asked.device_id
      AND sample.ts >= asked.bucket + interval '5 minutes' AND sample.ts < asked.bucket + interval '1 day'
    ORDER BY ts LIMIT 1) next
WHERE next.ts < date_bin('5 minutes', %(closed)s, 'epoch')

-- name: roll_samples
-- Samples to intervals of 5 minutes. Counters are differenced by boot and number; the last sample before the interval
-- counts as the one before its first. Back-fill of a wrong clock carries the time of its arrival: it says nothing of when.
WITH asked AS (
    SELECT * FROM unnest(%(devices)s::bigint[], %(buckets)s::timestamptz[]) AS asked(device_id, bucket)
), inside AS (
    SELECT asked.bucket, sample.* FROM asked JOIN {table} sample ON sample.device_id = asked.device_id
       AND sample.ts >= asked.bucket AND sample.ts < asked.bucket + interval '5 minutes'
), boots AS (
    SELECT device_id, bucket, boot, clock_bad, min(seq) AS first FROM inside GROUP BY device_id, bucket, boot, clock_bad
), before AS (
    SELECT boots.bucket, earlier.* FROM boots CROSS JOIN LATERAL (
        SELECT sample.* FROM {table} sample
        WHERE sample.device_id = boots.device_id AND sample.boot = boots.boot AND sample.seq < boots.first
          AND sample.ts < boots.bucket AND sample.ts > boots.bucket - interval '1 day'
          AND sample.clock_bad = boots.clock_bad
        ORDER BY sample.ts DESC LIMIT 1) earlier
), stepped AS (
    SELECT sample.* {steps} FROM (
        SELECT *, CASE WHEN NOT (clock_bad AND hist) THEN extract(epoch FROM ts - lag(ts) OVER by_seq)::float8 END AS seconds
        FROM (SELECT true AS counts, inside.* FROM inside UNION ALL SELECT false, before.* FROM before) AS joined
        WINDOW by_seq AS (PARTITION BY device_id, bucket, boot, clock_bad ORDER BY seq)) sample
    WINDOW by_seq AS (PARTITION BY device_id, bucket, boot, clock_bad ORDER BY seq)
)
INSERT INTO telemetry_rollup AS held (device_id, step, bucket, samples, gauges, counted)
SELECT device_id, 300, bucket, count(*), jsonb_strip_nulls(jsonb_build_object({gauges})),
       jsonb_strip_nulls(jsonb_build_object({counted}))
FROM stepped WHERE counts
GROUP BY device_id, bucket
ON CONFLICT (device_id, step, bucket) DO UPDATE
SET samples = excluded.samples, gauges = excluded.gauges, counted = excluded.counted

-- name: roll_up
-- Intervals of one step to those of the next, for all that hold one of the intervals asked for.
WITH asked AS (
    SELECT DISTINCT device_id, date_trunc(%(unit)s, bucket, %(zone)s) AS start
    FROM unnest(%(devices)s::bigint[], %(buckets)s::timestamptz[]) AS asked(device_id, bucket)
), parts AS (
    SELECT asked.start, part.* FROM asked JOIN telemetry_rollup part
      ON part.device_id = asked.device_id AND part.step = %(from)s AND part.bucket >= asked.start
     -- Counted on the clock of the zone: a day of the city is not always 24 hours.
     AND part.bucket < (asked.start AT TIME ZONE %(zone)s + ('1 ' || %(unit)s)::interval) AT TIME ZONE %(zone)s
), gauges AS (
    SELECT device_id, start, jsonb_object_agg(name, jsonb_build_array(many, mean, least, most)) AS found
    FROM (SELECT device_id, start, key AS name, sum((value ->> 0)::bigint) AS many,
                 sum((value ->> 0)::float8 * (value ->> 1)::float8) / sum((value ->> 0)::float8) AS mean,
                 min((value ->> 2)::float8) AS least, max((value ->> 3)::float8) AS most
          FROM parts, jsonb_each(gauges) GROUP BY device_id, start, key) AS named
    GROUP BY device_id, start
), counted AS (
    SELECT device_id, start, jsonb_object_agg(name, jsonb_build_array(bytes, seconds)) AS found
    FROM (SELECT device_id, start, key AS name, sum((value ->> 0)::bigint) AS bytes, sum((value ->> 1)::float8) AS seconds
          FROM parts, jsonb_each(counted) GROUP BY device_id, start, key) AS named
    GROUP BY device_id, start
)
INSERT INTO telemetry_rollup AS held (device_id, step, bucket, samples, gauges, counted)
SELECT device_id, %(to)s, start, sum(samples), coalesce(min(gauges.found::text), '{{}}')::jsonb,
       coalesce(min(counted.found::text), '{{}}')::jsonb
FROM parts LEFT JOIN gauges USING (device_id, start) LEFT JOIN counted USING (device_id, start)
GROUP BY device_id, start
ON CONFLICT (device_id, step, bucket) DO UPDATE
SET samples = excluded.samples, gauges = excluded.gauges, counted = excluded.counted

-- name: forget_rollups
DELETE FROM telemetry_rollup WHERE step = %(step)s AND bucket < %(before)s
