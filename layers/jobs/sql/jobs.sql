-- name: claim
-- Take a queued job of the kinds this worker knows: by its kind's turn, then the oldest. Ten minutes of waiting are
-- a turn gained, so that nothing waits for ever. in: kinds, their turns, worker. out: its id and kind, or no row.
UPDATE layers_job
SET state = 'running', worker = %(worker)s, started_at = now(), heartbeat_at = now(), finished_at = NULL,
    progress = 0, message = '', attempts = attempts + 1
WHERE id = (
    SELECT id FROM layers_job
    WHERE state = 'queued' AND kind = ANY(%(kinds)s)
    ORDER BY (%(turns)s::int[])[array_position(%(kinds)s, kind::text)] - extract(epoch FROM now() - created_at)::int / 600,
             created_at
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING id, kind

-- name: progress
-- How far a running job is; tells whether it is to stop. in: id worker progress message. out: cancel_requested, or no
-- row when the job is not this worker's any more.
UPDATE layers_job
SET progress = %(progress)s, message = %(message)s, heartbeat_at = now()
WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s
RETURNING cancel_requested

-- name: add_log
UPDATE layers_job SET log = right(log || %(text)s, 200000) WHERE id = %(id)s AND worker = %(worker)s

-- name: heartbeat
-- in: ids worker. out: id and cancel_requested of those still ours.
UPDATE layers_job SET heartbeat_at = now()
WHERE id = ANY(%(ids)s::uuid[]) AND state = 'running' AND worker = %(worker)s
RETURNING id, cancel_requested

-- name: finish
-- in: id worker state message result.
UPDATE layers_job
SET state = %(state)s, message = %(message)s, result = %(result)s::jsonb, finished_at = now(), heartbeat_at = now(),
    progress = CASE WHEN %(state)s = 'done' THEN 100 ELSE progress END
WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s
RETURNING id

-- name: requeue
-- Back to the queue; `given_back` uncounts the attempt (a worker that stops in order is nobody's failure).
UPDATE layers_job
SET state = 'queued', worker = '', message = %(message)s, progress = 0,
    attempts = attempts - CASE WHEN %(given_back)s THEN 1 ELSE 0 END
WHERE id = %(id)s AND state = 'running' AND worker = %(worker)s
RETURNING id

-- name: orphans
-- Running jobs whose worker is gone: the advisory lock a worker holds while it lives is not there. in: lock_class.
SELECT id, kind, worker, attempts, cancel_requested FROM layers_job AS job
WHERE state = 'running' AND NOT EXISTS (
    SELECT 1 FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 2
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND classid::bigint = %(lock_class)s AND objid::text = job.worker
)
FOR UPDATE SKIP LOCKED
