-- A layer that is to be indexed is noted once, and one waiting job does it for all that are noted.
CREATE OR REPLACE FUNCTION layers_ask_for_search(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM layers_layer WHERE id = wanted)
       OR NOT EXISTS (SELECT FROM layers_field WHERE layer_id = wanted AND is_searchable)
       AND NOT EXISTS (SELECT FROM layers_searchindex WHERE layer_id = wanted) THEN
        RETURN;
    END IF;
    INSERT INTO layers_searchwish (layer_id, asked_at) VALUES (wanted, clock_timestamp())
    ON CONFLICT (layer_id) DO UPDATE SET asked_at = excluded.asked_at;
    IF EXISTS (SELECT FROM layers_job WHERE kind = 'search' AND state = 'queued') THEN
        RETURN;
    END IF;
    INSERT INTO layers_job (id, kind, parameters, state, progress, message, log, result, attempts, cancel_requested,
                            worker, created_at)
    VALUES (gen_random_uuid(), 'search', '{}', 'queued', 0, '', '', '{}', 0, false, '', now());
    PERFORM pg_notify('jobs', '');
END
$$;

-- Jobs of before, one for each layer, become one.
DELETE FROM layers_job WHERE kind = 'search' AND state = 'queued';
SELECT layers_ask_for_search(id) FROM layers_layer;

-- Entries of single features are found again when these change.
DROP INDEX search_of_layer;
CREATE INDEX search_of_layer ON layers_searchentry (layer_id, item);
