-- name: items
-- One page of features of one table, cut before any JSON is made, and one more, which tells whether others follow.
-- in: limit, and what the conditions bring. out: for each the GeoJSON as text and its sort keys, if it does not
-- itself begin with the only one.
-- As rows, because joining them here costs 1 to 2 of their 11 microseconds each, and the client joins bytes for less.
SELECT {feature} {keys} FROM {page} AS f

-- name: page
-- The whole rows of one page in its order, and one row more, which tells whether others follow.
(SELECT f.* FROM {source} AS f WHERE {where} ORDER BY {order} LIMIT %(limit)s + 1)

-- name: after_offset
-- Rows past an offset: identifiers first, from the index, whole rows for the page alone.
(
    SELECT f.*
    FROM (
        SELECT {id} AS "#id" FROM {table} AS f WHERE {where} ORDER BY {order} LIMIT %(limit)s + 1 OFFSET %(offset)s
    ) AS ids
    JOIN {table} AS f ON {id} = ids."#id"
)

-- name: item
-- One feature by its identifier, as GeoJSON text.
SELECT {feature} FROM {table} AS f WHERE {id} = %(identifier)s LIMIT 1

-- name: count_matched
-- How many features match, counted to one past a cap. in: cap, and what the conditions bring.
SELECT count(*) FROM (SELECT 1 FROM {table} AS f WHERE {where} LIMIT %(cap)s + 1) AS counted

-- name: count_all
SELECT count(*) FROM {table} AS f

-- name: columns
-- Column names and types of a table or view of the geodata schema.
SELECT coalesce(json_object_agg(a.attname, format_type(a.atttypid, NULL)), '{{}}')
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
