-- name: announce
-- Wakes the dispatchers when the transaction commits.
SELECT pg_notify('device_command', '')

-- name: claim
-- Commands to hand to the broker now, each to one dispatcher. A claim ends by itself, so that one whose dispatcher died
-- goes out again: the device knows it by its id.
UPDATE monitoring_devicecommand command
SET claimed_until = now() + interval '15 s'
FROM monitoring_device device
WHERE command.device_id = device.id AND command.id IN (
    SELECT id FROM monitoring_devicecommand
    WHERE state = 'queued' AND expires_at > now() AND coalesce(claimed_until < now(), true)
    ORDER BY created_at LIMIT 200 FOR UPDATE SKIP LOCKED)
RETURNING command.id::text, device.devid, device.shard, command.op, command.args, command.created_at,
    command.expires_at, command.asked_by_id

-- name: sent
UPDATE monitoring_devicecommand SET state = 'sent', sent_at = now(), claimed_until = NULL
WHERE id = ANY(%(ids)s::uuid[]) AND state = 'queued'

-- name: not_taken
-- Nobody listens for the device at the broker: tried again in a while, as long as the command holds.
UPDATE monitoring_devicecommand SET claimed_until = now() + interval '5 s'
WHERE id = ANY(%(ids)s::uuid[]) AND state = 'queued'

-- name: give_up
-- Five seconds for an answer that is on its way; a quarter of an hour for one that runs (a restart takes its time).
UPDATE monitoring_devicecommand
SET state = CASE WHEN state IN ('queued', 'sent') THEN 'expired' ELSE 'failed' END,
    given_up = true, finished_at = now(), claimed_until = NULL
WHERE state IN ('queued', 'sent', 'accepted', 'running')
  AND expires_at < now() - CASE WHEN state IN ('queued', 'sent') THEN interval '5 s' ELSE interval '15 min' END
RETURNING id

-- name: store_results
-- What devices say of their commands. A state never goes back, nobody answers for another device's command, and a late
-- answer replaces what we gave up.
WITH told AS (
    SELECT *, least(array_position('{queued,sent,accepted,running,done,failed,rejected,expired,unsupported}', st), 5) AS rank
    FROM unnest(%(commands)s::uuid[], %(devices)s::bigint[], %(states)s::text[], %(codes)s::int[], %(outputs)s::text[],
                %(ats)s::timestamptz[]) AS told(command, device, st, code, output, at)
), last AS (
    SELECT DISTINCT ON (command, device) * FROM told ORDER BY command, device, rank DESC
), held AS MATERIALIZED (
    SELECT command.id FROM monitoring_devicecommand command
    JOIN last ON last.command = command.id AND last.device = command.device_id
    WHERE command.given_up OR last.rank > least(array_position(
        '{queued,sent,accepted,running,done,failed,rejected,expired,unsupported}', command.state::text), 5)
    ORDER BY command.id FOR NO KEY UPDATE OF command
)
UPDATE monitoring_devicecommand command
SET state = last.st, code = last.code, output = last.output, answered_at = coalesce(command.answered_at, last.at),
    sent_at = coalesce(command.sent_at, last.at), claimed_until = NULL, given_up = false,
    finished_at = CASE WHEN last.rank = 5 THEN last.at END
FROM held JOIN last ON last.command = held.id
WHERE command.id = held.id AND command.device_id = last.device

-- name: forget_commands
DELETE FROM monitoring_devicecommand WHERE created_at < %(before)s

-- name: forget_pictures
DELETE FROM monitoring_screenshot WHERE received_at < %(before)s

-- name: keep_newest_pictures
DELETE FROM monitoring_screenshot picture USING (
    SELECT command_id, row_number() OVER (ORDER BY received_at DESC) AS place
    FROM monitoring_screenshot JOIN monitoring_devicecommand command ON command.id = command_id
    WHERE command.device_id = %(device)s) AS aged
WHERE picture.command_id = aged.command_id AND aged.place > %(keep)s
