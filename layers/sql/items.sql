-- name: items
-- One page of GeoJSON features of one table, cut before any JSON is made.
-- in: limit, count_cap, and what the conditions bring. out: features (text, comma separated), their number, whether
-- more follow, the sort keys of the last one, and the number matched up to a cap (null when not counted).
WITH page AS (
    -- "#row" cannot be a column of ours: their names are letters, digits and underscores.
    SELECT f.*, row_number() OVER () AS "#row"
    FROM {page} AS f
), cut AS (
    SELECT
        string_agg({feature}, ',') FILTER (WHERE f."#row" <= %(limit)s) AS features,
        least(count(*), %(limit)s) AS returned,
        count(*) > %(limit)s AS has_more,
        max({keys}) FILTER (WHERE f."#row" = %(limit)s) AS last_keys
    FROM page AS f
)
SELECT features, returned, has_more, last_keys,
    CASE WHEN has_more AND %(count_cap)s > 0 THEN
        (SELECT count(*) FROM (SELECT 1 FROM {table} AS f WHERE {where} LIMIT %(count_cap)s + 1) AS counted)
    END AS matched
FROM cut

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

-- name: count_all
SELECT count(*) FROM {table} AS f

-- name: columns
-- Column names and types of a table or view of the geodata schema.
SELECT coalesce(json_object_agg(a.attname, format_type(a.atttypid, NULL)), '{{}}')
FROM pg_attribute AS a
WHERE a.attrelid = to_regclass(%(table)s) AND a.attnum > 0 AND NOT a.attisdropped
