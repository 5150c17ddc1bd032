-- name: parameters
-- Columns of a view of measures that are published: those with a comment. in: view. out: [[name, comment] …] or NULL.
SELECT json_agg(json_build_array(attname, col_description(attrelid, attnum)) ORDER BY attnum)
FROM pg_attribute
WHERE attrelid = to_regclass(%(view)s) AND attnum > 0 AND NOT attisdropped
  AND col_description(attrelid, attnum) IS NOT NULL

-- name: view
-- Whether there is such a view. in: view.
SELECT to_regclass(%(view)s) IS NOT NULL

-- name: places
-- Where there are measures: one GeoJSON feature a place. in: limit. out: text, its number of places, that of all.
WITH wanted AS (
    SELECT f.devid, f.geom, f.nome, count(*) OVER () AS matched FROM {places} AS f
    WHERE f.geom IS NOT NULL AND ({where})
    ORDER BY f.devid LIMIT %(limit)s
)
SELECT coalesce(string_agg(
    '{{"type":"Feature","id":' || to_json(f.devid) || ',"geometry":' || ST_AsGeoJSON(ST_Transform(f.geom, 4326), 7)
    || ',"properties":{{"name":' || coalesce(to_json(f.nome)::text, '""') || '}}}}', ',' ORDER BY f.devid
), ''), count(*), coalesce(max(matched), 0)
FROM wanted AS f

-- name: in_box
-- Places in a box of degrees: west, south, east, north.
ST_Intersects(ST_Transform(f.geom, 4326), ST_MakeEnvelope({}, {}, {}, {}, 4326))

-- name: series
-- Series of the places that meet a condition, one JSON object each. in: start stop cap. out: number of rows read, JSON text.
WITH wanted AS MATERIALIZED (
    SELECT f.fid, f.devid, ST_Transform(f.geom, 4326) AS geom FROM {places} AS f
    WHERE f.geom IS NOT NULL AND {where} {nearest}
), found AS MATERIALIZED (
    SELECT wanted.devid, wanted.geom, m.*
    FROM wanted JOIN (SELECT fid, ts, {columns} FROM {measures}) AS m ON m.fid = wanted.fid
    WHERE m.ts >= %(start)s AND m.ts <= %(stop)s
    LIMIT %(cap)s + 1
)
SELECT (SELECT count(*) FROM found), (
    SELECT coalesce(json_agg(one ORDER BY one ->> 'id'), '[]')::text
    FROM (
        SELECT json_build_object(
            'id', devid, 'x', ST_X(geom), 'y', ST_Y(geom),
            't', json_agg(to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') ORDER BY ts),
            'values', json_build_object({arrays})
        ) AS one
        FROM found GROUP BY devid, geom
    ) AS grouped
)

-- name: within_m
-- Places within some metres of a point in degrees, the nearest alone.
ST_DWithin(
    ST_Transform(f.geom, 4326)::geography, ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)::geography, %(metres)s
)

-- name: nearest_first
ORDER BY ST_Transform(f.geom, 4326)::geography <-> ST_SetSRID(ST_MakePoint(%(x)s, %(y)s), 4326)::geography LIMIT 1

-- name: inside
ST_Intersects(ST_Transform(f.geom, 4326), ST_GeomFromText(%(area)s, 4326))
