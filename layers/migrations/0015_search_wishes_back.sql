CREATE OR REPLACE FUNCTION layers_ask_for_search(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM layers_field WHERE layer_id = wanted AND is_searchable)
       AND NOT EXISTS (SELECT FROM layers_searchindex WHERE layer_id = wanted)
       OR EXISTS (SELECT FROM layers_job WHERE kind = 'search' AND state = 'queued'
                  AND parameters = jsonb_build_object('layer', wanted)) THEN
        RETURN;
    END IF;
    INSERT INTO layers_job (id, kind, parameters, state, progress, message, log, result, attempts, cancel_requested,
                            worker, created_at)
    VALUES (gen_random_uuid(), 'search', jsonb_build_object('layer', wanted), 'queued', 0, '', '', '{}', 0, false, '',
            now());
    PERFORM pg_notify('jobs', '');
END
$$;
DELETE FROM layers_job WHERE kind = 'search' AND state = 'queued';
SELECT layers_ask_for_search(id) FROM layers_layer;
DROP INDEX search_of_layer;
CREATE INDEX search_of_layer ON layers_searchentry (layer_id);
