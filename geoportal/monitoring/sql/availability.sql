-- name: availability
-- Seconds up, down and left out of each group of devices, by local months cut to [first, last).
-- A device is down while it is critical or out of contact, up while it works or merely has a problem. Maintenance, also
-- where a window was entered later, and time in which its state was not known (we were blind, it was not in service) are
-- left out. Multiranges, so that intervals that overlap count once: left out before down, down before up.
-- in: first, last, now, kinds (text[]), lost (text[], causes without contact), by ('device', 'place', 'operator', 'month'),
-- monthly (each group in a row for each month, in order).
WITH month AS (
    SELECT to_char(local, 'YYYY-MM') AS label,
           tstzrange(local AT TIME ZONE 'Europe/Rome', (local + interval '1 month') AT TIME ZONE 'Europe/Rome')
           * tstzrange(%(first)s, least(%(last)s::timestamptz, %(now)s::timestamptz)) AS span
    FROM generate_series(date_trunc('month', %(first)s::timestamptz AT TIME ZONE 'Europe/Rome'),
                         %(last)s::timestamptz AT TIME ZONE 'Europe/Rome', interval '1 month') AS local
), piece AS (
    SELECT held.device_id, month.label, month.span * tstzrange(held.started_at, coalesce(held.ended_at, %(now)s)) AS during,
           CASE WHEN held.health IN ('unknown', 'maintenance') THEN 'out'
                WHEN held.health = 'critical' OR held.cause = ANY(%(lost)s) THEN 'down' ELSE 'up' END AS class
    FROM month
    JOIN monitoring_stateinterval held
      ON held.started_at < upper(month.span) AND coalesce(held.ended_at, %(now)s) > lower(month.span)
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
