-- name: tile
-- One vector tile of one table. in: west south east north srid margin (of the tile, in its CRS) slug cap min_size cell
-- tolerance. out: bytea, empty when nothing meets it, and how many features were met up to the cap.
-- Two envelopes: the tile itself to clip to, and one wider by the buffer to search, so that lines and marks do not
-- break at tile edges.
WITH tile AS (
    SELECT ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, %(srid)s) AS bounds,
           ST_MakeEnvelope(%(west)s - %(margin)s, %(south)s - %(margin)s,
                           %(east)s + %(margin)s, %(north)s + %(margin)s, %(srid)s) AS search
), met AS (
    SELECT {distinct} {columns}, {geometry} AS "#geom"
    FROM {table} AS f CROSS JOIN tile
    WHERE {index_geometry} && {search} {size_test}
    {thinning}
    LIMIT %(cap)s
), features AS MATERIALIZED (
    -- Merged into what follows, each geometry would be made twice: once to see whether there is one.
    SELECT {outputs}, ST_AsMVTGeom({shape}, tile.bounds, 4096, 64, true) AS geom
    FROM met AS f CROSS JOIN tile
)
SELECT ST_AsMVT(features, %(slug)s, 4096, 'geom' {feature_id}), count(*)
FROM features WHERE geom IS NOT NULL
