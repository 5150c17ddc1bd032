-- name: within_generation
-- Which feature of one state (a) is which of another (b) of the same table: their identifiers, among those that a
-- version between the two touched. in: history id low high.
touched AS (
    SELECT DISTINCT {id} AS id FROM {history}
    WHERE ("#from" > {low} AND "#from" <= {high}) OR ("#to" > {low} AND "#to" <= {high})
), a AS (
    SELECT f.{id}::text AS id, {shape_a} AS geom, jsonb_build_object({values_a}) AS props
    FROM {source_a} AS f WHERE f.{id} IN (SELECT id FROM touched)
), b AS (
    SELECT f.{id}::text AS id, {shape_b} AS geom, jsonb_build_object({values_b}) AS props
    FROM {source_b} AS f WHERE f.{id} IN (SELECT id FROM touched)
), pairs AS (
    SELECT a.id AS old, b.id AS new FROM a FULL JOIN b ON a.id = b.id
)

-- name: across_generations
-- The same for two tables, which share no identifiers: first what is equal in everything, then what is in the same
-- place. Equal ones are told apart by their number alone. in: shared (names of the attributes that both have).
a AS (
    SELECT f.{id_a}::text AS id, {shape_a} AS geom, jsonb_build_object({values_a}) AS props,
        md5(ROW({content_a}, {shape_a})::text) AS content
    FROM {source_a} AS f
), b AS (
    SELECT f.{id_b}::text AS id, {shape_b} AS geom, jsonb_build_object({values_b}) AS props,
        md5(ROW({content_b}, {shape_b})::text) AS content
    FROM {source_b} AS f
), equal AS (
    SELECT x.id AS old, y.id AS new
    FROM (SELECT id, content, row_number() OVER (PARTITION BY content ORDER BY id) AS at FROM a) AS x
    JOIN (SELECT id, content, row_number() OVER (PARTITION BY content ORDER BY id) AS at FROM b) AS y
        ON y.content = x.content AND y.at = x.at
), left_a AS (
    SELECT a.*, {match_a} AS match, row_number() OVER (PARTITION BY {match_a} ORDER BY id) AS at
    FROM a WHERE id NOT IN (SELECT old FROM equal)
), left_b AS (
    SELECT b.*, {match_b} AS match, row_number() OVER (PARTITION BY {match_b} ORDER BY id) AS at
    FROM b WHERE id NOT IN (SELECT new FROM equal)
), pairs AS (
    SELECT x.id AS old, y.id AS new
    FROM left_a AS x FULL JOIN left_b AS y ON y.match = x.match AND y.at = x.at
)

-- name: differences
-- What was added, changed or removed from a to b. out: change, old identifier, new one, attributes before, after,
-- GeoJSON before, after (null where the geometry is the same), in the page; and the three counts, in every row.
WITH {pairs}, found AS (
    SELECT
        CASE WHEN p.old IS NULL THEN 'added' WHEN p.new IS NULL THEN 'removed' ELSE 'changed' END AS change,
        p.old, p.new, a.props AS before, b.props AS after, a.geom AS shape_before, b.geom AS shape_after,
        a.geom IS DISTINCT FROM b.geom AS has_moved
    FROM pairs AS p LEFT JOIN a ON a.id = p.old LEFT JOIN b ON b.id = p.new
    WHERE p.old IS NULL OR p.new IS NULL OR a.props IS DISTINCT FROM b.props OR a.geom IS DISTINCT FROM b.geom
), counts AS (
    SELECT count(*) FILTER (WHERE change = 'added') AS added, count(*) FILTER (WHERE change = 'changed') AS changed,
        count(*) FILTER (WHERE change = 'removed') AS removed
    FROM found
), page AS (
    SELECT * FROM found WHERE %(only)s = '' OR change = %(only)s
    ORDER BY change, coalesce(length(new), length(old)), coalesce(new, old) LIMIT %(limit)s OFFSET %(offset)s
)
SELECT c.added, c.changed, c.removed, p.change, p.old, p.new, p.before::json, p.after::json, p.has_moved,
    ST_AsGeoJSON(ST_Transform(p.shape_before, 4326), 7)::json, ST_AsGeoJSON(ST_Transform(p.shape_after, 4326), 7)::json
FROM counts AS c LEFT JOIN page AS p ON TRUE

-- name: restore_delete
DELETE FROM {table} AS f WHERE NOT EXISTS (SELECT 1 FROM {state} AS s WHERE s.{id} = f.{id})

-- name: restore_update
-- Only what has changed since can differ.
UPDATE {table} AS f SET {changes}
FROM {state} AS s
WHERE s.{id} = f.{id}
    AND f.{id} IN (SELECT b.{id} FROM {history} AS b WHERE b."#to" IS NULL AND b."#from" > {version})

-- name: restore_insert
INSERT INTO {table} ({columns})
SELECT {values} FROM {state} AS s WHERE NOT EXISTS (SELECT 1 FROM {table} AS f WHERE f.{id} = s.{id})

-- name: restore_all
INSERT INTO {table} ({columns}) SELECT {values} FROM {state} AS s ORDER BY s.{id}

-- name: next_identifier
-- The identity goes on past the greatest identifier there is. in: sequence's table and column.
SELECT setval(pg_get_serial_sequence(%(table)s, %(column)s), greatest((SELECT max({id}) FROM {table}), 1))
WHERE pg_get_serial_sequence(%(table)s, %(column)s) IS NOT NULL

-- name: latitudes
-- How far south and north a state reaches, in degrees; null when nothing has a place.
SELECT ST_YMin(box), ST_YMax(box)
FROM (
    SELECT ST_Transform(ST_SetSRID(ST_Extent(s.{geometry})::geometry, {srid}), 4326) AS box FROM {state} AS s
) AS extent
