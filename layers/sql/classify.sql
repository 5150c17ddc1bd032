-- name: summary
-- What the numbers of one column are like. out: count of numbers, rows without one, least, greatest.
SELECT count({number}), count(*) - count({number}), min({number}), max({number}) FROM {table} AS f

-- name: spread
-- Values at even steps along the sorted column. in: shares, an array of 0 to 1. out: one array.
SELECT percentile_disc(%(shares)s::float8[]) WITHIN GROUP (ORDER BY {number}) FROM {table} AS f

-- name: counted
-- How many numbers lie from each bound up to the next. in: bounds, rising. out: an object of place to count.
SELECT coalesce(json_object_agg(place, found), '{{}}') FROM (
    SELECT width_bucket({number}, %(bounds)s::float8[]) AS place, count(*) AS found
    FROM {table} AS f WHERE {number} IS NOT NULL GROUP BY 1
) AS f

-- name: frequent
-- The most frequent values of a column as text, and how many rows there are in all. in: most. out: array of [text, count],
-- number of rows.
WITH counted AS (SELECT {text} AS value, count(*) AS found FROM {table} AS f GROUP BY 1)
SELECT coalesce((SELECT json_agg(json_build_array(value, found) ORDER BY found DESC, value)
                 FROM (SELECT * FROM counted ORDER BY found DESC, value LIMIT %(most)s) AS top), '[]'),
       (SELECT coalesce(sum(found), 0) FROM counted)
