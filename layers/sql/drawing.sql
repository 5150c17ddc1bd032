-- name: drawn
-- What Mapnik draws of one table: geometry in the CRS of the picture, the number of the class, the label. Marks between
-- exclamation marks are Mapnik's. Its own box is only named so that it adds no condition of its own.
(
    SELECT {shape} AS geom, {class} AS class, {label} AS label
    FROM (SELECT {distinct} * FROM {table} AS f WHERE {search} {size_test} {thinning} LIMIT {cap}) AS f
    WHERE !bbox! IS NOT NULL
) AS drawn

-- name: found
-- What meets a small box, smallest first. in: west south east north srid limit. out: GeoJSON features, comma separated.
SELECT string_agg({feature}, ',')
FROM (
    SELECT f.* FROM {table} AS f
    WHERE ST_Intersects({geometry}, ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, %(srid)s))
    ORDER BY ST_Area(Box2D({geometry})), {id}
    LIMIT %(limit)s
) AS f
