-- name: settings
-- What is said of changes now. out: user, change, note, valid_from.
SELECT coalesce(current_setting('geoportal.user', true), ''), coalesce(current_setting('geoportal.change', true), ''),
    coalesce(current_setting('geoportal.note', true), ''), coalesce(current_setting('geoportal.valid_from', true), '')

-- name: say
-- Until the end of the transaction. in: user change note valid_from.
SELECT set_config('geoportal.user', %(user)s, true), set_config('geoportal.change', %(change)s, true),
    set_config('geoportal.note', %(note)s, true), set_config('geoportal.valid_from', %(valid_from)s, true)

-- name: keep
-- in: layer added changed removed (texts, empty for the numbers of a beginning).
SELECT layers_keep_versions(%(layer)s) FROM (
    SELECT set_config('geoportal.added', %(added)s, true), set_config('geoportal.changed', %(changed)s, true),
        set_config('geoportal.removed', %(removed)s, true)
) AS said

-- name: at_moment
-- The version that holds at a moment, the last, the first that is kept and its date. in: layer moment. out: number or
-- null, last number or null, first number or null, date or null.
SELECT
    (SELECT number FROM layers_layerversion WHERE layer_id = %(layer)s AND valid_from <= %(moment)s
     ORDER BY number DESC LIMIT 1),
    (SELECT max(number) FROM layers_layerversion WHERE layer_id = %(layer)s),
    (SELECT min(number) FROM layers_layerversion WHERE layer_id = %(layer)s),
    (SELECT min(valid_from) FROM layers_layerversion WHERE layer_id = %(layer)s)

-- name: columns
-- Columns of a table in their order. in: schema table. out: name, type.
SELECT attname, format_type(atttypid, atttypmod)
FROM pg_attribute
WHERE attrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) AND attnum > 0 AND NOT attisdropped
    AND attname NOT LIKE '#%%'
ORDER BY attnum

-- name: state
-- The rows of one generation as they were at a version: those of its table that have not come since, and those of its
-- history that span the version.
(
    SELECT {columns} FROM {table} AS f
    WHERE NOT EXISTS (
        SELECT 1 FROM {history} AS b WHERE b.{id} = f.{id} AND b."#to" IS NULL AND b."#from" > {version}
    )
    UNION ALL
    SELECT {columns} FROM {history} AS f WHERE f."#from" <= {version} AND f."#to" > {version}
)

-- name: nothing
-- A layer before its first version.
(SELECT {columns} FROM {table} AS f WHERE FALSE)

-- name: dependents
-- Views and the like that read a table. in: schema table. out: one row for each.
SELECT DISTINCT format('%%I.%%I', n.nspname, c.relname)
FROM pg_depend AS d
JOIN pg_rewrite AS r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
JOIN pg_class AS c ON c.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE d.refobjid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) AND c.oid <> d.refobjid

-- name: indexes
-- The indexes of a table. in: schema table. out: name of each.
SELECT i.relname
FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid
WHERE x.indrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text))

-- name: triggers
-- in: schema table. out: name of each trigger of ours.
SELECT tgname FROM pg_trigger
WHERE tgrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) AND NOT tgisinternal

-- name: replaced
-- Features whose content is in one table and not in the other.
SELECT
    (SELECT count(*) FROM (SELECT {content} FROM {table} AS f EXCEPT ALL SELECT {content} FROM {past} AS f) AS x),
    (SELECT count(*) FROM (SELECT {content} FROM {past} AS f EXCEPT ALL SELECT {content} FROM {table} AS f) AS x)

-- name: raster_version
-- A version of a raster, with what the settings of the transaction say of it, under a lock of its layer that the caller
-- holds. in: layer state added changed removed. out: its number.
WITH last AS (
    SELECT number, made_at FROM layers_layerversion WHERE layer_id = %(layer)s ORDER BY number DESC LIMIT 1
), made AS (
    SELECT greatest(clock_timestamp(), (SELECT made_at FROM last) + interval '1 microsecond') AS at
)
INSERT INTO layers_layerversion (
    layer_id, number, raster_id, made_at, valid_from, user_id, what, note, added, changed, removed, transaction
)
SELECT %(layer)s, coalesce((SELECT number FROM last), 0) + 1, %(state)s, at,
    coalesce(nullif(current_setting('geoportal.valid_from', true), '')::timestamptz, at),
    nullif(current_setting('geoportal.user', true), '')::integer,
    coalesce(nullif(current_setting('geoportal.change', true), ''), 'database'),
    coalesce(nullif(current_setting('geoportal.note', true), ''), ''),
    %(added)s, %(changed)s, %(removed)s, pg_current_xact_id()::text::bigint
FROM made
RETURNING number

-- name: times
-- When the versions of layers hold from, of those that have more than one. in: layers most. out: layer, first, last, and
-- all in order where there are no more than so many.
SELECT layer_id, min(valid_from), max(valid_from),
    CASE WHEN count(*) <= %(most)s THEN array_agg(valid_from ORDER BY number) END
FROM layers_layerversion
WHERE layer_id = ANY(%(layers)s)
GROUP BY layer_id
HAVING count(*) > 1
