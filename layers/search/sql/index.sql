-- name: forget
-- in: layer.
DELETE FROM layers_searchentry WHERE layer_id = %(layer)s;
DELETE FROM layers_searchword WHERE layer_id = %(layer)s;

-- name: addresses
-- Every house number, and each street once, at the middle of its numbers. Identifiers: table id street number exponent point.
WITH found AS MATERIALIZED (
    SELECT f.{id}::text AS item, btrim(f.{street}::text) AS street, layers_search_norm(f.{street}::text) AS norm,
           btrim(concat(f.{number}::text, CASE WHEN {exponent} <> '' THEN '/' || {exponent} END)) AS civic,
           layers_search_norm(concat(f.{number}::text, ' ', {exponent})) AS civic_norm,
           {subtitle} AS subtitle, {point} AS point
    FROM {table} AS f WHERE f.{street} IS NOT NULL
), numbers AS (
    INSERT INTO layers_searchentry
        (layer_id, scope, kind, item, title, subtitle, norm, street, number, suffix, words, point, bbox)
    SELECT %(layer)s, %(scope)s, 2, item, concat_ws(', ', street, nullif(civic, '')), subtitle,
           concat_ws(' ', norm, nullif(civic_norm, '')), norm,
           substring(civic_norm FROM '^([0-9]{{1,6}})')::int,
           replace(regexp_replace(civic_norm, '^[0-9]+', ''), ' ', ''),
           to_tsvector('geoportal_it', concat_ws(' ', street, civic)), point, NULL
    FROM found
)
INSERT INTO layers_searchentry
    (layer_id, scope, kind, item, title, subtitle, norm, street, number, suffix, words, point, bbox)
SELECT %(layer)s, %(scope)s, 1, '', min(street), '', norm, '', NULL, '',
       to_tsvector('geoportal_it', min(street)),
       ST_ClosestPoint(ST_Collect(point), ST_Centroid(ST_Collect(point))), layers_search_box(ST_Collect(point))
FROM found WHERE norm <> '' GROUP BY norm;

-- name: streets
-- Each street once, from its axes. Identifiers: table id street point box.
INSERT INTO layers_searchentry
    (layer_id, scope, kind, item, title, subtitle, norm, street, number, suffix, words, point, bbox)
SELECT %(layer)s, %(scope)s, 1, CASE WHEN count(*) = 1 THEN min(item) ELSE '' END, min(street), '', norm, '', NULL, '',
       to_tsvector('geoportal_it', min(street)), ST_ClosestPoint(ST_Collect(point), ST_Centroid(ST_Collect(point))),
       layers_search_box(ST_Collect(box))
FROM (
    SELECT f.{id}::text AS item, btrim(f.{street}::text) AS street, layers_search_norm(f.{street}::text) AS norm,
           {point} AS point, {box} AS box
    FROM {table} AS f WHERE f.{street} IS NOT NULL
) AS found
WHERE norm <> '' GROUP BY norm;

-- name: parcels
-- Parcels, and each sheet once. Identifiers: table id sheet parcel (SQL text of both, without leading zeros) point box.
WITH found AS MATERIALIZED (
    SELECT f.{id}::text AS item, {sheet} AS sheet, {parcel} AS parcel, {point} AS point, {box} AS box
    FROM {table} AS f
), parcels AS (
    INSERT INTO layers_searchentry
        (layer_id, scope, kind, item, title, subtitle, norm, street, number, suffix, words, point, bbox)
    SELECT %(layer)s, %(scope)s, 4, item, concat('Foglio ', sheet, ', particella ', parcel), '',
           lower(concat(sheet, '/', parcel)), '', NULL, '', NULL, point, layers_search_box(box)
    FROM found WHERE sheet <> '' AND parcel <> ''
)
INSERT INTO layers_searchentry
    (layer_id, scope, kind, item, title, subtitle, norm, street, number, suffix, words, point, bbox)
SELECT %(layer)s, %(scope)s, 3, CASE WHEN count(*) = 1 AND max(parcel) = '' THEN min(item) ELSE '' END,
       concat('Foglio ', sheet), '', lower(sheet), '', NULL, '', NULL,
       ST_ClosestPoint(ST_Collect(point), ST_Centroid(ST_Collect(point))), layers_search_box(ST_Collect(box))
FROM found WHERE sheet <> '' GROUP BY sheet;

-- name: features
-- Features by their texts. Identifiers: table id title rest (SQL texts) point box.
INSERT INTO layers_searchentry
    (layer_id, scope, kind, item, title, subtitle, norm, street, number, suffix, words, point, bbox)
SELECT %(layer)s, %(scope)s, 5, item, left(title, 200), left(rest, 300), left(layers_search_norm(title), 200), '', NULL,
       '', to_tsvector('geoportal_it', left(concat_ws(' ', title, rest), 5000)), point, layers_search_box(box)
FROM (
    SELECT f.{id}::text AS item, btrim(coalesce({title}, '')) AS title, coalesce({rest}, '') AS rest,
           {point} AS point, {box} AS box
    FROM {table} AS f
) AS found
WHERE title <> '' OR rest <> '';

-- name: words
-- The vocabulary of a scope. Words with digits are codes: nobody misspells them, and there may be millions.
INSERT INTO layers_searchword (layer_id, scope, word, rows)
SELECT %(layer)s, %(scope)s::bigint, word, sum(times)
FROM (
    SELECT string_to_table(norm, ' ') AS word, 1 AS times FROM layers_searchentry
    WHERE scope = %(scope)s AND layer_id = %(layer)s AND kind IN (1, 5)
    UNION ALL
    SELECT string_to_table(layers_search_norm(subtitle), ' '), times FROM (
        SELECT subtitle, count(*) AS times FROM layers_searchentry
        WHERE scope = %(scope)s AND layer_id = %(layer)s AND kind = 5 AND subtitle <> '' GROUP BY subtitle
    ) AS different
) AS every
WHERE length(word) BETWEEN 3 AND 40 AND word ~ '^[a-z]+$'
GROUP BY word;

-- name: settle
-- Words that the bulk insert left on the waiting list of the index: merged once, instead of by the first who searches.
SELECT gin_clean_pending_list('search_features'), gin_clean_pending_list('search_streets'),
       gin_clean_pending_list('search_words_near');

-- name: count
SELECT count(*) FROM layers_searchentry WHERE layer_id = %(layer)s;
