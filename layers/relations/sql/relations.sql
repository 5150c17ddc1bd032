-- name: of_feature
-- What of a layer (`f`) belongs to one feature of another: at most `most` and one more. in: item. out: id, title.
SELECT f.{id}::text, {label}
FROM {table} AS f, (SELECT {shape} AS shape, {key} AS key FROM {from_table} AS f WHERE {is_item} LIMIT 1) AS given
WHERE {condition}
ORDER BY {order} LIMIT {most}

-- name: of_features
-- What of a layer (`f`) belongs to chosen features of another, with the identifiers of those. in: cap and the values of
-- the choice. out: features met, and the collection's features as text unless there are too many.
WITH given AS MATERIALIZED (
    SELECT {from_id}::text AS id, {shape} AS shape, {key} AS key FROM {from_table} AS f
    WHERE {where} ORDER BY {from_id} LIMIT {cap} + 1
), made AS (
    SELECT to_json(f.{id})::text AS id, f.{geometry} AS stored, {properties} AS properties,
           json_agg(given.id ORDER BY given.id)::text AS given
    FROM given JOIN {table} AS f ON {condition}
    GROUP BY f.{id} LIMIT {cap} + 1
)
SELECT (SELECT count(*) FROM given), (SELECT count(*) FROM made), (
    SELECT coalesce(string_agg(
        '{{"type":"Feature","id":' || made.id || ',"geometry":'
            || coalesce(ST_AsGeoJSON(ST_ForcePolygonCCW(ST_Transform(made.stored, 4326)), 7, 0), 'null')
            || ',"properties":' || (made.properties::jsonb || jsonb_build_object('_given', made.given::jsonb))::text || '}}',
        ','), '') FROM made
)
