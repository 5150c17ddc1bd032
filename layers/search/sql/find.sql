-- name: mend
-- The words of a question as the vocabulary has them: itself, else what begins with it, else the nearest three by
-- trigrams. Whole words, because a prefix of a common word would make the index collect every row of it.
-- in: words scopes. out: per word its alternatives (none when nothing comes near), in how many entries each stands,
-- and whether they are corrections.
SELECT asked.word, coalesce(known.words, near.words, ARRAY[]::text[]), coalesce(known.rows, near.rows, ARRAY[]::bigint[]),
       known.words IS NULL AND near.words IS NOT NULL
FROM unnest(%(words)s::text[]) WITH ORDINALITY AS asked (word, place)
LEFT JOIN LATERAL (
    -- Numbers and the shortest words are not in the vocabulary: they are taken as they are.
    SELECT array_agg(one.word) AS words, array_agg(one.rows) AS rows FROM (
        SELECT asked.word, 0::numeric AS rows WHERE asked.word !~ '^[a-z]{3,}$'
        UNION ALL
        (SELECT begun.word, sum(begun.rows) FROM (
            -- The word itself sorts before all that begin with it.
            SELECT held.word, held.rows FROM layers_searchword AS held
            WHERE asked.word ~ '^[a-z]{3,}$' AND held.word LIKE asked.word || '%%' AND held.scope = ANY(%(scopes)s)
            ORDER BY held.word USING ~<~ LIMIT 40
        ) AS begun GROUP BY begun.word ORDER BY begun.word <> asked.word, begun.word LIMIT 8)
    ) AS one
) AS known ON true
LEFT JOIN LATERAL (
    SELECT array_agg(best.word) AS words, array_agg(best.rows) AS rows FROM (
        SELECT held.word, sum(held.rows) AS rows, similarity(held.word, asked.word) AS likeness
        FROM layers_searchword AS held
        WHERE known.words IS NULL AND held.word %% asked.word AND held.scope = ANY(%(scopes)s)
          AND length(held.word) >= length(asked.word) - 2
        GROUP BY held.word ORDER BY likeness DESC, held.word LIMIT 3
    ) AS best
) AS near ON true
ORDER BY asked.place;

-- name: find
-- Everything a question may mean, best first. Each branch reads a bounded number of rows, so that a common word costs
-- what a rare one costs. in: scopes, norm (the question), street_norm and street_query (without the house number),
-- number and suffix (NULL without), query (tsquery text of all words), street_all (the same with prefixes), parcel ("12/345" or ''), sheet ("12" or ''), limit.
-- out: kind layer_id item title subtitle lon lat bbox score.
WITH asked AS (
    SELECT to_tsquery('geoportal_it', %(query)s) AS whole,
           to_tsquery('geoportal_it', %(street_query)s) || to_tsquery('geoportal_it', %(street_all)s) AS street
), streets AS (
    SELECT entry.*, greatest(similarity(entry.norm, %(norm)s), similarity(entry.norm, %(street_norm)s)) AS likeness
    FROM asked, LATERAL (
        SELECT * FROM layers_searchentry AS held
        WHERE held.kind = 1 AND numnode(asked.street) > 0 AND held.words @@ asked.street AND held.scope = ANY(%(scopes)s) LIMIT 1000
    ) AS entry
    ORDER BY likeness DESC, entry.norm LIMIT 10
), numbers AS (
    SELECT home.*, street.likeness
    FROM (SELECT DISTINCT ON (norm) norm, likeness FROM streets) AS street, LATERAL (
        SELECT * FROM layers_searchentry AS held
        WHERE held.kind = 2 AND held.street = street.norm AND held.scope = ANY(%(scopes)s)
        ORDER BY abs(held.number - %(number)s::int) NULLS LAST, held.suffix <> %(suffix)s, held.suffix LIMIT 4
    ) AS home
    WHERE %(number)s::int IS NOT NULL
), begun AS (
    SELECT * FROM layers_searchentry AS held
    WHERE held.kind = 5 AND held.norm LIKE %(norm)s || '%%' AND %(norm)s <> '' AND held.scope = ANY(%(scopes)s)
    ORDER BY held.norm USING ~<~ LIMIT 40
), spoken AS (
    SELECT entry.* FROM asked, LATERAL (
        SELECT * FROM layers_searchentry AS held
        WHERE held.kind = 5 AND numnode(asked.whole) > 0 AND held.words @@ asked.whole AND held.scope = ANY(%(scopes)s) LIMIT 200
    ) AS entry
), scored AS (
    SELECT kind, layer_id, item, title, subtitle, norm, point, bbox,
           likeness * 30 + CASE
               WHEN number = %(number)s::int AND suffix = %(suffix)s THEN 100
               WHEN number = %(number)s::int THEN 80
               ELSE greatest(20, 45 - abs(coalesce(number, 9999) - %(number)s::int)) END AS score
    FROM numbers
    UNION ALL
    SELECT kind, layer_id, item, title, subtitle, norm, point, bbox,
           likeness * 30 + CASE WHEN %(number)s::int IS NULL OR norm = %(norm)s THEN 65 ELSE 40 END
    FROM streets
    UNION ALL
    SELECT kind, layer_id, item, title, subtitle, norm, point, bbox, CASE kind WHEN 4 THEN 120 ELSE 110 END
    FROM layers_searchentry AS held
    WHERE (held.kind = 4 AND held.norm = %(parcel)s OR held.kind = 3 AND held.norm = %(sheet)s)
      AND held.scope = ANY(%(scopes)s)
    UNION ALL
    SELECT kind, layer_id, item, title, subtitle, norm, point, bbox,
           50 + 20 * similarity(norm, %(norm)s) + CASE WHEN norm = %(norm)s THEN 40 ELSE 10 END
    FROM begun
    UNION ALL
    SELECT kind, layer_id, item, title, subtitle, norm, point, bbox, 40 + 30 * similarity(norm, %(norm)s)
    FROM spoken
), best AS (
    -- The same thing by two branches, or the same street from two layers, stands once.
    SELECT DISTINCT ON (kind, CASE WHEN kind IN (1, 3) THEN norm ELSE layer_id::text END,
                        CASE WHEN kind IN (1, 3) THEN '' ELSE item END) *
    FROM scored
    ORDER BY kind, CASE WHEN kind IN (1, 3) THEN norm ELSE layer_id::text END,
             CASE WHEN kind IN (1, 3) THEN '' ELSE item END, score DESC
)
SELECT kind, layer_id, item, title, subtitle, round(ST_X(point)::numeric, 7)::float8,
       round(ST_Y(point)::numeric, 7)::float8, bbox, round(score::numeric, 1)::float8
FROM best ORDER BY score DESC, title, layer_id, item LIMIT %(limit)s;

-- name: settings
-- For the statement that follows in the same message. A word that stands in more rows than the limit is answered by
-- some of them; compiling a plan would take longer than the answer.
SET LOCAL gin_fuzzy_search_limit = 5000;
SET LOCAL jit = off;

-- name: nearest_address
-- in: scopes lon lat. out: layer_id item title lon lat distance_m, the nearest one.
SELECT layer_id, item, title, ST_X(point), ST_Y(point), ST_Distance(point::geography, place.here::geography)
FROM (SELECT ST_SetSRID(ST_MakePoint(%(lon)s, %(lat)s), 4326) AS here) AS place, LATERAL (
    -- Degrees of longitude are shorter than those of latitude: the nearest in metres is among the nearest in degrees.
    SELECT * FROM layers_searchentry AS held
    WHERE held.kind = 2 AND held.scope = ANY(%(scopes)s) ORDER BY held.point <-> place.here LIMIT 20
) AS near
ORDER BY 6 LIMIT 1;

-- name: here_one
-- Features of one layer at a place: areas that contain it, the rest within reach. Identifiers: table id geometry label
-- place search; values: layer_id.
(SELECT {layer_id} AS layer_id, f.{id}::text AS item, {label} AS title
 FROM {table} AS f, {place} AS p
 WHERE f.{geometry} && p.search AND ST_DWithin(f.{geometry}, p.here, p.reach) LIMIT 5)
