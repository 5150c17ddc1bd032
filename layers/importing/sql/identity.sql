-- name: lift
-- Out of the way of identifiers that are or were in use: past all of both tables. Identifiers: old, new, id.
UPDATE {new} SET fid = fid + greatest((SELECT coalesce(max({id}), 0) FROM {old}), (SELECT coalesce(max(fid), 0) FROM {new}))

-- name: keep
-- The identifier of the row with the same key, where the key is unique on both sides. Identifiers: old, new, id, key.
WITH was AS (
    SELECT {key} AS key, min({id}) AS id FROM {old} GROUP BY 1 HAVING count(*) = 1
), now AS (
    SELECT {key} AS key, min(fid) AS fid FROM {new} GROUP BY 1 HAVING count(*) = 1
)
UPDATE {new} AS here SET fid = was.id FROM was JOIN now USING (key) WHERE here.fid = now.fid

-- name: go_on
-- New rows are numbered past these. in: table. Identifiers: new.
SELECT setval(pg_get_serial_sequence(%(table)s, 'fid'), greatest(max(fid), 1)) FROM {new}
