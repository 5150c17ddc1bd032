-- name: table
-- A table of geodata: whether it is one (neither view nor foreign table), its bytes. in: table. out: kind or null, bytes.
SELECT c.relkind::text, pg_total_relation_size(c.oid)
FROM pg_class AS c
WHERE c.oid = to_regclass(%(table)s)

-- name: search_entries
-- in: layer. out: how many entries the search has of it.
SELECT count(*) FROM layers_searchentry WHERE layer_id = %(layer)s

-- name: drop
-- Without CASCADE: what another program has built on the table is never taken away.
DROP TABLE {table}

-- name: lock
-- The layer, unless somebody writes its data or prepares its far tiles right now; who reads its table for long, for an
-- export, is not waited for either. in: layer.
SET LOCAL lock_timeout = '5s';
SELECT 1 FROM layers_tileoverview WHERE layer_id = %(layer)s FOR UPDATE NOWAIT;
SELECT 1 FROM layers_layer WHERE id = %(layer)s FOR UPDATE NOWAIT

-- name: waiting_jobs
-- Jobs in the queue that are about this layer alone. in: layer. out: id of each.
SELECT id FROM layers_job WHERE state = 'queued' AND kind = 'restore-version' AND parameters ->> 'layer' = %(layer)s::text
