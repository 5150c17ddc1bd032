-- name: geometry
-- What PostGIS thinks of a geometry as it would be stored. out: validity, why not, type, whether it is empty.
SELECT ST_IsValid(g), ST_IsValidReason(g), GeometryType(g), ST_IsEmpty(g) FROM (SELECT {shape} AS g) AS read

-- name: hold
-- One feature, held until the end of the transaction.
SELECT 1 FROM {table} AS f WHERE {id} = %(identifier)s FOR UPDATE

-- name: insert
INSERT INTO {table} ({columns}) VALUES ({values}) RETURNING {id}::text

-- name: insert_nothing
INSERT INTO {table} DEFAULT VALUES RETURNING {id}::text

-- name: update
UPDATE {table} AS f SET {changes} WHERE {id} = %(identifier)s RETURNING 1

-- name: delete
DELETE FROM {table} AS f WHERE {id} = %(identifier)s RETURNING 1

-- name: box
-- The extent of one feature in the CRS of its table. out: west, south, east, north, all NULL without a geometry.
SELECT ST_XMin(g), ST_YMin(g), ST_XMax(g), ST_YMax(g) FROM (SELECT {geometry} AS g FROM {table} AS f WHERE {id} = %(identifier)s) AS read
