-- name: enlist
-- Put devices for a load test into service; those of an earlier one come back. in: devids, shards, interval.
INSERT INTO monitoring_device AS held (devid, kind, shard, name_it, name_en, place, geom, position_quality, is_sample,
    lifecycle, operator, cabinet, feeder, area, interval_s, notes, created_at)
SELECT devid, 'ap', shard, 'Prova di carico ' || devid, '', '', ST_SetSRID(ST_MakePoint(
    577500 + 5000 * random(), 4996000 + 5000 * random()), 32632), 'approximate', true,
    'active', '', '', '', '', %(interval)s, '', now()
FROM unnest(%(devids)s::text[], %(shards)s::text[]) AS wanted(devid, shard)
ON CONFLICT (devid) DO UPDATE SET lifecycle = 'active', interval_s = excluded.interval_s

-- name: dismiss
-- Take all devices of load tests out of service; they judge as removed and raise nothing.
UPDATE monitoring_device SET lifecycle = 'removed' WHERE devid LIKE %(pattern)s AND lifecycle <> 'removed'

-- name: stored
-- How many messages of a run are stored: its boots begin with the run.
SELECT coalesce(sum(hi - cardinality(miss)), 0)::bigint FROM ingest_ack
WHERE boot BETWEEN %(first)s::uuid AND %(last)s::uuid
