-- name: device
SELECT id, kind FROM monitoring_device WHERE devid = %(devid)s AND kind = ANY(%(kinds)s) AND lifecycle NOT IN ('planned', 'removed')

-- name: rolled_gauge
-- [beginning, mean, least, most, samples] of each interval in which it was measured.
SELECT coalesce(json_agg(json_build_array(bucket, found -> 1, found -> 2, found -> 3, found -> 0) ORDER BY bucket), '[]')::text
FROM (SELECT bucket, gauges -> %(metric)s AS found FROM telemetry_rollup
      WHERE device_id = %(device)s AND step = %(step)s AND bucket >= %(from)s AND bucket < %(to)s
        AND gauges ? %(metric)s) AS rolled

-- name: rolled_counter
-- The mean rate of each interval, bit/s; its least and most are not known.
SELECT coalesce(json_agg(json_build_array(bucket, rate, rate, rate, samples) ORDER BY bucket), '[]')::text
FROM (SELECT bucket, samples,
             round(8 * (counted -> %(metric)s ->> 0)::numeric / (counted -> %(metric)s ->> 1)::numeric, 1) AS rate
      FROM telemetry_rollup
      WHERE device_id = %(device)s AND step = %(step)s AND bucket >= %(from)s AND bucket < %(to)s
        AND counted ? %(metric)s) AS rolled

-- name: raw_gauge
SELECT coalesce(json_agg(json_build_array(ts, value, value, value, 1) ORDER BY ts), '[]')::text
FROM (SELECT ts, {value} AS value FROM {table}
      WHERE device_id = %(device)s AND ts >= %(from)s AND ts < %(to)s AND {column} IS NOT NULL
      ORDER BY ts LIMIT %(limit)s) AS sampled

-- name: raw_counter
-- Differenced by boot and number, beginning with the last sample before the time asked for.
SELECT coalesce(json_agg(json_build_array(ts, rate, rate, rate, 1) ORDER BY ts), '[]')::text
FROM (SELECT ts, round((8 * counter_step(held, value, seconds) / seconds)::numeric, 1) AS rate
      FROM (SELECT ts, {column} AS value, lag({column}) OVER by_seq AS held,
                   extract(epoch FROM ts - lag(ts) OVER by_seq)::float8 AS seconds
            FROM {table}
            WHERE device_id = %(device)s AND ts >= %(from)s::timestamptz - interval '10 minutes' AND ts < %(to)s
              AND NOT (clock_bad AND hist)
            WINDOW by_seq AS (PARTITION BY boot ORDER BY seq)) AS sampled
      WHERE ts >= %(from)s AND seconds > 0 AND counter_step(held, value, seconds) IS NOT NULL
      ORDER BY ts LIMIT %(limit)s) AS counted
