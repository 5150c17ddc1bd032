-- name: stage
-- What a file brings, as the layer's table would hold it; "#row" is a name that no column can have. Gone at the end of the transaction.
CREATE TEMPORARY TABLE update_staged ON COMMIT DROP AS
SELECT s.fid AS "#row", {geometry} AS geom{columns} FROM {staging} AS s

-- name: index_stage
CREATE INDEX ON pg_temp.update_staged USING gist (geom)

-- name: analyze_stage
ANALYZE pg_temp.update_staged

-- name: drop_temporary
DROP TABLE IF EXISTS pg_temp.update_staged, pg_temp.update_pairs, pg_temp.update_candidates, pg_temp.update_changed

-- name: make_pairs
-- Which feature of the layer is which of the file.
CREATE TEMPORARY TABLE update_pairs (old {id_type} PRIMARY KEY, new bigint NOT NULL UNIQUE) ON COMMIT DROP

-- name: bad_keys
-- Keys that name no feature or several. in: key (text of a row), table. out: key and how often, the first few.
SELECT {key_text}, count(*) FROM {table} AS f GROUP BY {key} HAVING count(*) > 1 OR {missing} ORDER BY 2 DESC LIMIT 5

-- name: pair_by_key
INSERT INTO update_pairs (old, new)
SELECT f.{id}, s."#row" FROM {table} AS f JOIN update_staged AS s ON {equal}

-- name: candidates
-- Features near enough and equal in what must be equal. Shapes that are no points are compared point by point. To the
-- millimetre, so that noise of transformations does not choose among equals.
CREATE TEMPORARY TABLE update_candidates ON COMMIT DROP AS
SELECT old, new, round(distance::numeric, 3) AS distance, differs
FROM (
    SELECT f.{id} AS old, s."#row" AS new, {distance} AS distance, {differs} AS differs
    FROM {table} AS f JOIN update_staged AS s ON {near} AND {equal}
) AS c
WHERE distance <= %(tolerance)s

-- name: pair_nearest
-- One round: pairs in which each is the best for the other. The nearest pair of all always is one, so repeating this
-- gives what taking the nearest pairs in their order gives.
INSERT INTO update_pairs (old, new)
SELECT old, new
FROM (
    SELECT old, new,
        row_number() OVER (PARTITION BY old ORDER BY distance, differs, new) AS of_old,
        row_number() OVER (PARTITION BY new ORDER BY distance, differs, old) AS of_new
    FROM update_candidates
) AS c
WHERE of_old = 1 AND of_new = 1

-- name: drop_taken
DELETE FROM update_candidates AS c USING update_pairs AS p WHERE p.old = c.old

-- name: drop_taken_new
DELETE FROM update_candidates AS c USING update_pairs AS p WHERE p.new = c.new

-- name: find_changed
CREATE TEMPORARY TABLE update_changed ON COMMIT DROP AS
SELECT p.old, p.new, {moved} AS has_moved
FROM update_pairs AS p
JOIN {table} AS f ON f.{id} = p.old
JOIN update_staged AS s ON s."#row" = p.new
WHERE {differs} OR {moved}

-- name: count
-- out: added, changed, of them moved, removed, unchanged.
SELECT
    (SELECT count(*) FROM update_staged) - (SELECT count(*) FROM update_pairs),
    (SELECT count(*) FROM update_changed),
    (SELECT count(*) FROM update_changed WHERE has_moved),
    CASE WHEN %(removes)s THEN (SELECT count(*) FROM {table}) - (SELECT count(*) FROM update_pairs) ELSE 0 END,
    (SELECT count(*) FROM update_pairs) - (SELECT count(*) FROM update_changed)

-- name: sample_added
SELECT to_json(x) FROM (
    SELECT {new} FROM update_staged AS s
    WHERE NOT EXISTS (SELECT 1 FROM update_pairs AS p WHERE p.new = s."#row") ORDER BY s."#row" LIMIT %(limit)s
) AS x

-- name: sample_removed
SELECT to_json(x) FROM (
    SELECT f.{id} AS "#id"{old} FROM {table} AS f
    WHERE NOT EXISTS (SELECT 1 FROM update_pairs AS p WHERE p.old = f.{id}) ORDER BY f.{id} LIMIT %(limit)s
) AS x

-- name: sample_changed
SELECT json_build_object('id', c.old, 'moved', c.has_moved, 'before', to_json(b), 'after', to_json(a))
FROM (SELECT * FROM update_changed ORDER BY old LIMIT %(limit)s) AS c
JOIN {table} AS f ON f.{id} = c.old
JOIN update_staged AS s ON s."#row" = c.new
CROSS JOIN LATERAL (SELECT {old_values}) AS b
CROSS JOIN LATERAL (SELECT {new_values}) AS a
ORDER BY c.old

-- name: delete
DELETE FROM {table} AS f WHERE NOT EXISTS (SELECT 1 FROM update_pairs AS p WHERE p.old = f.{id})

-- name: update
UPDATE {table} AS f SET {changes} FROM update_changed AS c JOIN update_staged AS s ON s."#row" = c.new WHERE c.old = f.{id}

-- name: insert
INSERT INTO {table} ({columns})
SELECT {values} FROM update_staged AS s WHERE NOT EXISTS (SELECT 1 FROM update_pairs AS p WHERE p.new = s."#row") ORDER BY s."#row"

-- name: id_type
SELECT format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) AND attname = %(column)s
