-- name: remote_columns
-- Asked over there. Columns of a table or view: name, type, base type of a domain, geometry type, SRID, dimensions,
-- whether it is the whole primary key. in: schema table. PostGIS may be missing: then no column is a geometry.
SELECT a.attname, t.typname, coalesce(b.typname, t.typname), t.typtype,
       CASE WHEN t.typname IN ('geometry', 'geography') THEN format_type(a.atttypid, a.atttypmod) ELSE '' END,
       EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary AND i.indnatts = 1 AND i.indkey[0] = a.attnum)
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY a.attnum

-- name: remote_tables
-- Asked over there: what could have been meant. in: schema.
SELECT c.relname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1 LIMIT 30

-- name: drop_server
DROP SERVER IF EXISTS {server} CASCADE

-- name: drop_view
DROP VIEW IF EXISTS {view}

-- name: drop_foreign_table
DROP FOREIGN TABLE IF EXISTS {table} CASCADE

-- name: create_server
CREATE SERVER {server} FOREIGN DATA WRAPPER {wrapper} OPTIONS ({options})

-- name: create_mapping
CREATE USER MAPPING FOR CURRENT_USER SERVER {server} OPTIONS (user {user}, password {password})

-- name: create_foreign_table
CREATE FOREIGN TABLE {table} ({columns}) SERVER {server} OPTIONS ({options})

-- name: import_layer
-- One layer of a GDAL source, under its own name, into a schema made for it.
IMPORT FOREIGN SCHEMA "ogr_all" LIMIT TO ({layer}) FROM SERVER {server} INTO {schema}
    OPTIONS (launder_table_names 'false', launder_column_names 'true')

-- name: create_view
-- What the layer's doors read: safe names, a known geometry type and SRID.
CREATE VIEW {view} AS SELECT {columns} FROM {table}

-- name: local_columns
-- As remote_columns, of a foreign table here. in: schema table.
SELECT a.attname, t.typname, t.typname, t.typtype,
       CASE WHEN t.typname = 'geometry' THEN format_type(a.atttypid, a.atttypmod) ELSE '' END, a.attname = 'fid'
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
WHERE a.attrelid = to_regclass(format('%%I.%%I', %(schema)s::text, %(table)s::text)) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum

-- name: driver_of
-- The GDAL format of a server. in: server.
SELECT option_value FROM pg_foreign_server, pg_options_to_table(srvoptions)
WHERE srvname = %(server)s AND option_name = 'format'

-- name: try_view
-- Whether a row can be read through the attachment. Identifiers: view.
SELECT count(*) FROM (SELECT 1 FROM {view} LIMIT 1) AS first

-- name: read_rows
-- Every row of a foreign table, by its key (one column or more): the same rows in the same order are the same file.
-- Identifiers: table, key.
SELECT {columns}, ST_AsBinary({geometry}) FROM {table} ORDER BY {key}
