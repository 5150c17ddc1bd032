-- name: admission
-- May a source be asked now? A failing one is tried again by one request when its pause is over: that request takes
-- the next pause upon itself. in: source pause_s. out: health, since, seconds until the next try, failures in a row,
-- whether this is the trial.
WITH tried AS (
    UPDATE layers_sourcestate SET retry_at = now() + make_interval(secs => %(pause_s)s)
    WHERE source_id = %(source)s AND health = 'failing' AND retry_at <= now()
    RETURNING source_id
)
SELECT state.health, state.since, coalesce(greatest(0, extract(epoch FROM state.retry_at - now())), 0)::float8,
       state.failures, EXISTS (SELECT FROM tried)
FROM layers_sourcestate AS state WHERE state.source_id = %(source)s

-- name: peek
-- As admission, without becoming the trial: a source whose pause is over counts as open.
SELECT health, since, coalesce(greatest(0, extract(epoch FROM retry_at - now())), 0)::float8, failures,
       health = 'failing' AND retry_at <= now()
FROM layers_sourcestate WHERE source_id = %(source)s

-- name: failed
-- A read did not succeed. It counts as failing at once, or (a slow one) after some in a row. The pause is a quarter of
-- the time that the source has been away, at least 10 s: however many ask, it is back soon after it is well. in: source error is_slow slow_limit pause_s longest_s. out: health.
UPDATE layers_sourcestate SET
    failures = failures + 1,
    error = %(error)s,
    tried_at = now(),
    health = CASE WHEN is_out THEN 'failing' ELSE health END,
    since = CASE WHEN is_out AND health <> 'failing' THEN now() ELSE since END,
    retry_at = CASE WHEN is_out THEN now() + make_interval(secs => least(%(longest_s)s, greatest(
        %(pause_s)s, CASE WHEN health = 'failing' THEN extract(epoch FROM now() - since) / 4 ELSE 0 END))) END
FROM (
    SELECT source_id AS id, health = 'failing' OR NOT %(is_slow)s OR failures + 1 >= %(slow_limit)s AS is_out
    FROM layers_sourcestate WHERE source_id = %(source)s FOR UPDATE
) AS judged
WHERE source_id = judged.id
RETURNING health

-- name: worked
-- A read succeeded. A changed source answers too: only a harvest or an attachment that fits makes it well again.
-- in: source, is_whole (the shape of the data was looked at as well).
UPDATE layers_sourcestate SET
    failures = 0, error = CASE WHEN health = 'changed' AND NOT %(is_whole)s THEN error ELSE '' END, retry_at = NULL,
    tried_at = now(), succeeded_at = now(),
    since = CASE WHEN health = 'ok' OR health = 'changed' AND NOT %(is_whole)s THEN since ELSE now() END,
    health = CASE WHEN health = 'changed' AND NOT %(is_whole)s THEN health ELSE 'ok' END
WHERE source_id = %(source)s

-- name: changed
-- The source answers, with data of another shape. in: source error.
UPDATE layers_sourcestate SET
    failures = 0, error = %(error)s, retry_at = NULL, tried_at = now(),
    since = CASE WHEN health = 'changed' THEN since ELSE now() END, health = 'changed'
WHERE source_id = %(source)s

-- name: harvested
-- What the last harvest found. in: source etag last_modified digest columns features is_new.
UPDATE layers_sourcestate SET
    etag = %(etag)s, last_modified = %(last_modified)s, digest = %(digest)s, columns = %(columns)s,
    features = %(features)s, changed_at = CASE WHEN %(is_new)s THEN now() ELSE changed_at END
WHERE source_id = %(source)s

-- name: due
-- Queue a job for each source whose time has come and that has none waiting or running; failing attached ones when
-- their pause is over. Two workers never queue twice: the row says the next time before it is seen again.
WITH due AS (
    SELECT source.id, source.every_minutes FROM layers_source AS source
    JOIN layers_sourcestate AS state ON state.source_id = source.id
    WHERE source.is_enabled
      AND (state.next_run_at <= now() OR state.health = 'failing' AND state.retry_at <= now())
      AND NOT EXISTS (
          SELECT FROM layers_job AS job
          WHERE job.kind = 'source' AND job.state IN ('queued', 'running')
            AND job.parameters = jsonb_build_object('source', source.id)
      )
    ORDER BY state.next_run_at FOR UPDATE OF state SKIP LOCKED LIMIT 20
), planned AS (
    UPDATE layers_sourcestate AS state SET
        next_run_at = greatest(state.next_run_at, now() + make_interval(mins => due.every_minutes)),
        retry_at = CASE WHEN state.health = 'failing' THEN greatest(state.retry_at, now() + interval '10 seconds') END
    FROM due WHERE state.source_id = due.id
    RETURNING state.source_id
), queued AS (
    INSERT INTO layers_job (id, kind, parameters, state, progress, message, log, result, attempts, cancel_requested,
                            worker, created_at)
    SELECT gen_random_uuid(), 'source', jsonb_build_object('source', source_id), 'queued', 0, '', '', '{}', 0, false, '',
           now()
    FROM planned
    RETURNING 1
)
SELECT count(*), pg_notify('jobs', '') FROM queued HAVING count(*) > 0
