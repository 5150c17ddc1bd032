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

-- name: changed_items
-- Identifiers of what changed since a version, one more than may be. Identifiers: history id. in: version most.
SELECT DISTINCT f.{id}::text FROM {history} AS f WHERE f."#from" > %(version)s OR f."#to" > %(version)s
LIMIT %(most)s + 1

-- name: changed_units
-- Streets, sheets or features that changed features belong or belonged to. Identifiers: table history unit
-- is_changed. in: version items.
SELECT DISTINCT {unit} FROM {table} AS f WHERE {is_changed}
UNION SELECT DISTINCT {unit} FROM {history} AS f WHERE f."#to" > %(version)s

-- name: columns_of
SELECT attname FROM pg_attribute WHERE attrelid = %(history)s::regclass AND attnum > 0 AND NOT attisdropped

-- name: delta
CREATE TEMPORARY TABLE IF NOT EXISTS search_delta (word text, times bigint) ON COMMIT DROP

-- name: delta_words
-- How often each word stands in the entries of some units, times a sign. in: layer scope units sign. Identifiers: which.
INSERT INTO search_delta
SELECT word, %(sign)s * count(*) FROM (
    SELECT string_to_table(norm, ' ') AS word FROM layers_searchentry
    WHERE layer_id = %(layer)s AND scope = %(scope)s AND {which}
    UNION ALL
    SELECT string_to_table(layers_search_norm(subtitle), ' ') FROM layers_searchentry
    WHERE layer_id = %(layer)s AND scope = %(scope)s AND kind = 5 AND {which}
) AS every
WHERE length(word) BETWEEN 3 AND 40 AND word ~ '^[a-z]+$'
GROUP BY word

-- name: merge_delta
-- in: layer scope.
WITH delta AS (
    SELECT word, sum(times) AS times FROM search_delta GROUP BY word HAVING sum(times) <> 0
), known AS (
    UPDATE layers_searchword AS held SET rows = greatest(0, held.rows + delta.times) FROM delta
    WHERE held.word = delta.word AND held.scope = %(scope)s AND held.layer_id = %(layer)s
    RETURNING held.word
)
INSERT INTO layers_searchword (layer_id, scope, word, rows)
SELECT %(layer)s, %(scope)s::bigint, word, times FROM delta
WHERE times > 0 AND word NOT IN (SELECT word FROM known);
DELETE FROM layers_searchword WHERE layer_id = %(layer)s AND scope = %(scope)s AND rows = 0;
TRUNCATE search_delta;

-- name: forget_units
-- in: layer scope units. Identifiers: which.
DELETE FROM layers_searchentry WHERE layer_id = %(layer)s AND scope = %(scope)s AND {which}
