-- name: overview_tile
-- One tile of zoom 0 to 13 from the shapes prepared for it. in: layer z x y cap slug. out: bytea, how many features it
-- holds, and whether what was prepared is of the data that this statement saw; if not the tile is empty.
WITH state AS MATERIALIZED (
    SELECT EXISTS (
        SELECT FROM layers_tileoverview AS o JOIN layers_layer AS l ON l.id = o.layer_id
        WHERE o.layer_id = %(layer)s AND o.data_version = l.data_version AND o.is_useful
    ) AS holds
), features AS (
    SELECT {outputs}, f."#geom" AS geom
    FROM {prepared} AS f
    WHERE f."#z" = %(z)s AND f."#x" = %(x)s AND f."#y" = %(y)s AND f."#rank" <= %(cap)s
      AND (SELECT holds FROM state)
)
SELECT ST_AsMVT(features, %(slug)s, 4096, 'geom' {feature_id}), count(*), (SELECT holds FROM state) FROM features

-- name: spread
-- How many shapes a layer has and, about, how many parts of them there are in the tiles of a zoom. in: side.
SELECT count({geometry}), coalesce(sum(
    (1 + floor((ST_XMax({geometry}) - ST_XMin({geometry})) / %(side)s))
    * (1 + floor((ST_YMax({geometry}) - ST_YMin({geometry})) / %(side)s))
), 0) FROM {table} AS f

-- name: create
-- A number sign is in no attribute's name.
CREATE TABLE {prepared} AS
SELECT 0::smallint AS "#z", 0 AS "#x", 0 AS "#y", 0 AS "#rank", {geometry} AS "#geom", {columns}
FROM {table} AS f WITH NO DATA

-- name: fill
-- The shapes of one zoom as its tiles hold them, in the tiles' own units, with their attributes: to look these up by
-- identifier would be most of the time of a tile. What comes first in a tile is the largest shape of each cell of 8
-- pixels, then the second largest of each, so that any beginning of it is spread evenly. The tile where a shape has its
-- middle decides its rank, for the neighbours that it reaches into too: at a border both show it or neither does.
-- in: z last (number of the last row and column) side left top margin buffer tolerance cells cap, min_size or dot.
INSERT INTO {prepared}
WITH shape AS (
    SELECT {distinct} {id} AS id, {size} AS size,
           ((ST_XMin({geometry}) + ST_XMax({geometry})) / 2 - %(left)s) / %(side)s AS across,
           (%(top)s - (ST_YMin({geometry}) + ST_YMax({geometry})) / 2) / %(side)s AS down
    FROM {table} AS f
    WHERE {condition} {among}
), in_cell AS (
    SELECT *, row_number() OVER (
        PARTITION BY floor(across * %(cells)s), floor(down * %(cells)s) ORDER BY size DESC, id
    ) AS turn FROM shape
), ranked AS (
    SELECT id, row_number() OVER (PARTITION BY floor(across), floor(down) ORDER BY turn, size DESC, id) AS rank
    FROM in_cell
), parts AS MATERIALIZED (
    -- Merged into what follows, each shape would be cut twice: once to see whether anything is left of it.
    SELECT x, y, rank, ST_AsMVTGeom({shape}, ST_TileEnvelope(%(z)s, x, y), 4096, %(buffer)s, true) AS geom, {columns}
    FROM ranked AS r
    JOIN {table} AS f ON {id} = r.id,
         generate_series(greatest(floor((ST_XMin({geometry}) - %(margin)s - %(left)s) / %(side)s), 0)::int,
                         least(floor((ST_XMax({geometry}) + %(margin)s - %(left)s) / %(side)s), %(last)s)::int) AS x,
         generate_series(greatest(floor((%(top)s - ST_YMax({geometry}) - %(margin)s) / %(side)s), 0)::int,
                         least(floor((%(top)s - ST_YMin({geometry}) + %(margin)s) / %(side)s), %(last)s)::int) AS y
    WHERE rank <= %(cap)s
)
SELECT %(z)s, x, y, rank, geom, {columns} FROM parts AS f WHERE geom IS NOT NULL ORDER BY x, y, rank

-- name: among
-- Of the zoom below alone.
AND {id} IN (SELECT p.{name} FROM {prepared} AS p WHERE p."#z" = %(z)s + 1)

-- name: index
CREATE INDEX ON {prepared} ("#z", "#x", "#y", "#rank")

-- name: analyze
ANALYZE {prepared}

-- name: drop
DROP TABLE IF EXISTS {prepared}

-- name: rename
ALTER TABLE {prepared} RENAME TO {name}

-- name: due
-- Layers whose far tiles are to be prepared: large tables whose changes raise the data version, changed since, quiet for
-- a while. One that takes long is not made at every change. in: least form quiet_s rest. out: layer.
SELECT l.id
FROM layers_layer AS l
LEFT JOIN layers_tileoverview AS o ON o.layer_id = l.id
WHERE l.kind = 'vector' AND NOT l.is_live AND l.tile_geometry_field <> '' AND l.feature_count >= %(least)s
  AND (o.id IS NULL OR o.data_version <> l.data_version OR o.form <> %(form)s)
  AND coalesce(l.data_updated_at, l.created_at) < now() - make_interval(secs => %(quiet_s)s)
  AND (o.id IS NULL OR o.made_at < now() - make_interval(secs => o.seconds * %(rest)s))
  AND EXISTS (
      SELECT FROM pg_trigger AS t
      WHERE t.tgrelid = to_regclass(format('geodata.%%I', l.table_name))
        AND t.tgfoid = to_regproc('layers_bump_data') AND t.tgenabled <> 'D'
  )
ORDER BY l.id

-- name: outgrown
-- Prepared tiles of layers that need none any more. in: least. out: layer.
SELECT o.layer_id
FROM layers_tileoverview AS o JOIN layers_layer AS l ON l.id = o.layer_id
WHERE l.is_live OR l.tile_geometry_field = '' OR coalesce(l.feature_count, 0) < %(least)s / 2
