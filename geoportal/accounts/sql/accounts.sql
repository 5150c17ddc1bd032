-- name: bearer
-- The account a token stands for, with the names of its groups, in one round trip. in: digest.
-- out: columns of the account, token_id, held_groups, is_idle (its use is to be noted). No row: not a token, revoked,
-- expired, or its owner is gone or inactive, so that each of these holds from the next request on in every process.
SELECT owner.*, token.id AS token_id,
       ARRAY(SELECT held.name::text FROM geoportal_user_groups AS mine
             JOIN auth_group AS held ON held.id = mine.group_id WHERE mine.user_id = owner.id) AS held_groups,
       coalesce(token.last_used_at < now() - interval '1 minute', true) AS is_idle
FROM geoportal_accesstoken AS token
JOIN geoportal_user AS owner ON owner.id = token.user_id AND owner.is_active
WHERE token.digest = %(digest)s AND token.revoked_at IS NULL AND (token.expires_at IS NULL OR token.expires_at > now());

-- name: note_use
-- Requests at the same moment do not wait for each other: one of them notes the use. in: id.
UPDATE geoportal_accesstoken SET last_used_at = now()
WHERE id = (SELECT id FROM geoportal_accesstoken WHERE id = %(id)s FOR UPDATE SKIP LOCKED);

-- name: count_failure
-- Count one more failure, from one again when the window is over. in: key window_s. out: failures in this window.
INSERT INTO geoportal_failedattempts AS held (key, count, since_at) VALUES (%(key)s, 1, now())
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN held.since_at < now() - %(window_s)s * interval '1 second' THEN 1 ELSE held.count + 1 END,
    since_at = CASE WHEN held.since_at < now() - %(window_s)s * interval '1 second' THEN now() ELSE held.since_at END
RETURNING count;

-- name: wait_left
-- Seconds until a key that has failed too often may try again, 0 when it may. in: key limit window_s.
SELECT coalesce(max(ceil(extract(epoch FROM since_at - now()) + %(window_s)s)), 0)::int
FROM geoportal_failedattempts
WHERE key = %(key)s AND count >= %(limit)s AND since_at > now() - %(window_s)s * interval '1 second';

-- name: forget_old
-- in: window_s.
DELETE FROM geoportal_failedattempts WHERE since_at < now() - %(window_s)s * interval '1 second';
