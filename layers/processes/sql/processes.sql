-- name: selection
-- Features of one layer, one more than the cap, in the CRS to compute in. out: id (JSON text), geom, properties (JSON text).
SELECT to_json({id})::text AS id, {geometry} AS geom, {properties} AS properties
FROM {table} AS f
WHERE {where} AND {stored} IS NOT NULL
ORDER BY {id}
LIMIT {cap} + 1

-- name: feature
-- Text of a row made.id, made.geom, made.properties as GeoJSON in CRS84.
'{{"type":"Feature","id":' || made.id || ',"geometry":'
    || ST_AsGeoJSON(ST_ForcePolygonCCW(ST_Transform(made.geom, 4326)), 7, 0)
    || ',"properties":' || made.properties || '}}'

-- name: collection
-- in: cap. out: features met, and the collection's features as text unless there are too many.
WITH source AS MATERIALIZED ({source})
SELECT
    (SELECT count(*) FROM source),
    CASE WHEN (SELECT count(*) FROM source) <= %(cap)s THEN (
        SELECT coalesce(string_agg({feature}, ','), '') FROM ({made}) AS made WHERE NOT ST_IsEmpty(made.geom)
    ) END

-- name: buffered
-- in: distance segments.
SELECT id, ST_Buffer(geom, %(distance)s, %(segments)s) AS geom, properties FROM source

-- name: buffered_as_one
SELECT '1' AS id, ST_Union(ST_Buffer(geom, %(distance)s, %(segments)s)) AS geom, '{{}}' AS properties
FROM source HAVING count(*) > 0

-- name: mask_of_layer
-- One shape of many features; NULL when there are more than the cap allows. in: mask_cap.
SELECT CASE WHEN count(*) <= %(mask_cap)s THEN ST_Union(geom) END AS geom, count(*) AS features FROM ({source}) AS masks

-- name: mask_of_geojson
-- in: area (GeoJSON in CRS84) work (srid).
SELECT ST_MakeValid(ST_Transform(ST_SetSRID(ST_GeomFromGeoJSON(%(area)s), 4326), %(work)s)) AS geom, 1 AS features

-- name: clip
-- in: cap. out: features met, mask features, the collection's features as text unless there are too many.
WITH mask AS MATERIALIZED ({mask}), source AS MATERIALIZED ({source})
SELECT
    (SELECT count(*) FROM source),
    (SELECT features FROM mask),
    CASE WHEN (SELECT count(*) FROM source) <= %(cap)s THEN (
        SELECT coalesce(string_agg({feature}, ','), '')
        FROM (
            SELECT id, properties,
                -- What a clip leaves of an area is area: points and lines where it only touches are dropped.
                ST_CollectionExtract(ST_Intersection(source.geom, mask.geom), ST_Dimension(source.geom) + 1) AS geom
            FROM source CROSS JOIN mask
        ) AS made
        WHERE NOT ST_IsEmpty(made.geom)
    ) END

-- name: intersect_areas
-- Parcels by zones. Areas in square metres of the plane of the CRS computed in. in: cap. out: parcels met, zones met, table,
-- pieces (both JSON text, NULL when there are too many or not asked for).
WITH source AS MATERIALIZED ({source}), zones AS MATERIALIZED ({zones}),
pieces AS MATERIALIZED (
    SELECT parcel, zone, properties, geom, ST_Area(geom) AS area
    FROM (
        SELECT source.id AS parcel, zones.id AS zone, zones.properties,
            ST_CollectionExtract(ST_Intersection(source.geom, zones.geom), 3) AS geom
        FROM source JOIN zones ON ST_Intersects(source.geom, zones.geom)
    ) AS cut
    WHERE ST_Area(geom) > 0
),
covered AS (
    SELECT parcel, sum(area) AS total,
        -- Where zones do not overlap both are the same area: then the sum, so that percentages add up exactly.
        CASE WHEN sum(area) - ST_Area(ST_Union(geom)) <= 1e-6 * sum(area) THEN sum(area) ELSE ST_Area(ST_Union(geom)) END
            AS area
    FROM pieces GROUP BY parcel
),
shares AS (
    -- Rounded as running totals: the rounded parts add up to the rounded whole.
    SELECT pieces.parcel, pieces.zone, pieces.properties, pieces.area, pieces.geom,
        round((100 * sum(pieces.area) OVER running / ST_Area(source.geom))::numeric, 2)
            - round((100 * (sum(pieces.area) OVER running - pieces.area) / ST_Area(source.geom))::numeric, 2) AS percent
    FROM pieces JOIN source ON source.id = pieces.parcel
    WINDOW running AS (PARTITION BY pieces.parcel ORDER BY pieces.area DESC, pieces.zone)
),
fits AS (
    SELECT (SELECT count(*) FROM source) AS parcels, (SELECT count(*) FROM zones) AS zones
)
SELECT fits.parcels, fits.zones,
    CASE WHEN fits.parcels <= %(cap)s AND fits.zones <= %(cap)s THEN (
        SELECT coalesce(string_agg(row, ',' ORDER BY at), '')
        FROM (
            SELECT row_number() OVER () AS at,
                '{{"id":' || source.id || ',"properties":' || source.properties
                || ',"area_m2":' || round(ST_Area(source.geom)::numeric, 3)
                || ',"parts":[' || coalesce((
                    SELECT string_agg(
                        '{{"id":' || zone || ',"properties":' || properties || ',"area_m2":' || round(area::numeric, 3)
                        || ',"percent":' || percent || '}}', ',' ORDER BY area DESC, zone
                    ) FROM shares WHERE shares.parcel = source.id
                ), '')
                || '],"uncovered_m2":' || round(greatest(0, ST_Area(source.geom) - coalesce(covered.area, 0))::numeric, 3)
                || ',"uncovered_percent":' || 100 - least(100, round((100 * coalesce(covered.area, 0) / ST_Area(source.geom))::numeric, 2))
                || ',"overlap_m2":' || round(greatest(0, coalesce(covered.total - covered.area, 0))::numeric, 3) || '}}' AS row
            FROM source LEFT JOIN covered ON covered.parcel = source.id
            WHERE ST_Area(source.geom) > 0
        ) AS rows
    ) END,
    CASE WHEN {with_pieces} AND fits.parcels <= %(cap)s AND fits.zones <= %(cap)s THEN (
        SELECT coalesce(string_agg({feature}, ','), '')
        FROM (
            SELECT '"' || trim(both '"' from parcel) || '/' || trim(both '"' from zone) || '"' AS id, geom,
                (properties::jsonb || jsonb_build_object(
                    'parcel', parcel::json, 'zone', zone::json, 'area_m2', round(area::numeric, 3), 'percent', percent
                ))::text AS properties
            FROM shares
        ) AS made
    ) END
FROM fits

-- name: nearest
-- The nearest features of a layer to each feature of a source, by the layer's spatial index. in: cap count.
WITH source AS MATERIALIZED ({source})
SELECT
    (SELECT count(*) FROM source),
    CASE WHEN (SELECT count(*) FROM source) <= %(cap)s THEN (
        SELECT coalesce(string_agg({feature}, ','), '')
        FROM (
            SELECT found.id, found.geom,
                (found.properties::jsonb || jsonb_build_object(
                    'distance_m', round(found.distance::numeric, 3), 'from', source.id::json
                ))::text AS properties
            FROM source CROSS JOIN LATERAL (
                SELECT to_json({id})::text AS id, {stored} AS geom, {properties} AS properties,
                    ST_Distance({measured}, {reference}) AS distance
                FROM {table} AS f
                WHERE {where} AND {stored} IS NOT NULL AND {within}
                ORDER BY {measured} <-> {reference}, {id}
                LIMIT %(count)s
            ) AS found
            ORDER BY source.id, found.distance
        ) AS made
    ) END

-- name: point
-- in: longitude latitude work.
SELECT 'null' AS id, ST_Transform(ST_SetSRID(ST_MakePoint(%(longitude)s, %(latitude)s), 4326), %(work)s) AS geom, '{{}}' AS properties
