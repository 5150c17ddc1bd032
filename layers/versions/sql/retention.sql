-- name: prunable
-- Layers whose history reaches back before what is kept of it. in: days (of layers that say none themselves; 0: for
-- ever). out: layer, the first version that stays: the one that held when what is kept begins.
-- More than a century is for ever too: much more than that before now there are no times.
SELECT layer.id, kept.stays
FROM layers_layer AS layer, LATERAL (
    SELECT max(number) AS stays FROM layers_layerversion
    WHERE layer_id = layer.id AND valid_from <= now() - make_interval(days => least(coalesce(layer.history_days, %(days)s), 36525)::int)
) AS kept
WHERE coalesce(layer.history_days, %(days)s) > 0
  AND EXISTS (SELECT 1 FROM layers_layerversion WHERE layer_id = layer.id AND number < kept.stays)
ORDER BY layer.id

-- name: lock
-- One writer of a layer's history at a time; what is written to the row tells every process of it. in: layer.
UPDATE layers_layer SET data_version = data_version WHERE id = %(layer)s RETURNING 1

-- name: forget_rows
-- What held only before a version, and what says of features that they came with it or before. in: history; stays.
DELETE FROM {history} WHERE "#to" <= %(stays)s OR "#to" IS NULL AND "#from" <= %(stays)s

-- name: kept
-- What there is of the past of some layers. in: layers. out: one row: versions, the oldest one's date, tables, files,
-- bytes of both. The file that a raster shows today is not its past.
WITH names AS (
    SELECT history_table AS name FROM layers_layergeneration WHERE layer_id = ANY(%(layers)s)
    UNION ALL
    SELECT table_name FROM layers_layergeneration WHERE layer_id = ANY(%(layers)s) AND NOT is_current
), tables AS (
    SELECT to_regclass(format('geodata_past.%%I', name)) AS held FROM names
), files AS (
    SELECT s.bytes FROM layers_rasterstate AS s JOIN layers_layer AS l ON l.id = s.layer_id
    WHERE l.id = ANY(%(layers)s) AND s.path <> l.raster_path
)
SELECT count(*), min(valid_from), (SELECT count(held) FROM tables), (SELECT count(*) FROM files),
       (SELECT coalesce(sum(pg_total_relation_size(held)), 0)::bigint FROM tables)
       + (SELECT coalesce(sum(bytes), 0)::bigint FROM files)
FROM layers_layerversion
WHERE layer_id = ANY(%(layers)s)
