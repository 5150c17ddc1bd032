-- name: availability
-- Seconds up, down and left out of each group of devices, by local months cut to [first, last).
-- A device is down while it is critical or out of contact, up while it works or merely has a problem. Maintenance, also
-- where a window was entered later, and time in which its state was not known (we were blind, it was not in service) are
-- left out. Multiranges, so that intervals that overlap count once: left out before down, down before up.
-- The intervals of the period are found once, by their end, and cut by months only where months are asked for.
-- in: first, last, now, kinds (text[]), lost (text[], causes without contact), by ('device', 'place', 'operator', 'month'),
-- monthly (each group in a row for each month, in order), by_months (bool: by is 'month', or monthly).
WITH bounds AS (
    SELECT %(first)s::timestamptz AS first, least(%(last)s::timestamptz, %(now)s::timestamptz) AS last
), month AS (
    SELECT to_char(local, 'YYYY-MM') AS label,
           tstzrange(local AT TIME ZONE 'Europe/Rome', (local + interval '1 month') AT TIME ZONE 'Europe/Rome')
           * tstzrange(first, last) AS span
    FROM bounds, generate_series(date_trunc('month', first AT TIME ZONE 'Europe/Rome'), last AT TIME ZONE 'Europe/Rome',
                                 interval '1 month') AS local
    WHERE %(by_months)s
    UNION ALL
    SELECT '', tstzrange(first, last) FROM bounds WHERE NOT %(by_months)s AND first < last
), held AS (
    SELECT device_id, started_at, coalesce(ended_at, %(now)s) AS ended_at,
           CASE WHEN health IN ('unknown', 'maintenance') THEN 'out'
                WHEN health = 'critical' OR cause = ANY(%(lost)s) THEN 'down' ELSE 'up' END AS class
    FROM monitoring_stateinterval
    WHERE started_at < %(last)s AND (ended_at > %(first)s OR ended_at IS NULL)
), piece AS (
    SELECT held.device_id, month.label, month.span * tstzrange(held.started_at, held.ended_at) AS during, held.class
    FROM month JOIN held ON held.started_at < upper(month.span) AND held.ended_at > lower(month.span)
    UNION ALL
    SELECT work.device_id, month.label, month.span * tstzrange(work.starts_at, work.ends_at), 'out'
    FROM month
    JOIN monitoring_maintenancewindow work ON work.starts_at < upper(month.span) AND work.ends_at > lower(month.span)
), class AS (
    SELECT device_id, label,
           coalesce(range_agg(during) FILTER (WHERE class = 'up'), '{}') AS up,
           coalesce(range_agg(during) FILTER (WHERE class = 'down'), '{}') AS down,
           coalesce(range_agg(during) FILTER (WHERE class = 'out'), '{}') AS out
    FROM piece WHERE NOT isempty(during) GROUP BY device_id, label
), weighed AS (
    SELECT class.device_id, class.label,
           (SELECT coalesce(sum(extract(epoch FROM upper(part) - lower(part))), 0) FROM unnest(up - down - out) AS part) AS up_s,
           (SELECT coalesce(sum(extract(epoch FROM upper(part) - lower(part))), 0) FROM unnest(down - out) AS part) AS down_s,
           (SELECT coalesce(sum(extract(epoch FROM upper(part) - lower(part))), 0) FROM unnest(out) AS part) AS out_s
    FROM class
)
SELECT CASE %(by)s WHEN 'device' THEN device.devid WHEN 'place' THEN device.place
                   WHEN 'operator' THEN device.operator ELSE weighed.label END AS key,
       CASE WHEN %(by)s = 'device' THEN min(device.name_it) ELSE '' END AS name,
       CASE WHEN %(monthly)s THEN weighed.label ELSE '' END AS month,
       count(DISTINCT device.id) AS devices, sum(up_s)::float8, sum(down_s)::float8, sum(out_s)::float8
FROM weighed JOIN monitoring_device device ON device.id = weighed.device_id
WHERE device.kind = ANY(%(kinds)s)
GROUP BY 1, 3
ORDER BY CASE WHEN %(monthly)s OR %(by)s = 'month' THEN 0
              ELSE sum(up_s) / nullif(sum(up_s) + sum(down_s), 0) END NULLS LAST, 1, 3
