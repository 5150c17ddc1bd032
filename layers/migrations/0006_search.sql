-- Words are compared without case, accents and signs.
CREATE FUNCTION layers_search_norm(text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(lower(unaccent($1)), '[^a-z0-9]+', ' ', 'g'))
$$;

CREATE FUNCTION layers_search_box(geometry) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN ST_XMin($1) < ST_XMax($1) OR ST_YMin($1) < ST_YMax($1)
           THEN jsonb_build_array(round(ST_XMin($1)::numeric, 6), round(ST_YMin($1)::numeric, 6),
                                  round(ST_XMax($1)::numeric, 6), round(ST_YMax($1)::numeric, 6)) END
$$;

CREATE TEXT SEARCH CONFIGURATION geoportal_it (COPY = italian);
ALTER TEXT SEARCH CONFIGURATION geoportal_it
    ALTER MAPPING FOR asciiword, asciihword, hword_asciipart, word, hword, hword_part WITH unaccent, italian_stem;

CREATE INDEX search_of_layer ON layers_searchentry (layer_id);
CREATE INDEX search_streets ON layers_searchentry USING gin (words) WHERE kind = 1;
CREATE INDEX search_features ON layers_searchentry USING gin (words) WITH (gin_pending_list_limit = 131072) WHERE kind = 5;
CREATE INDEX search_begun ON layers_searchentry (norm text_pattern_ops) WHERE kind = 5;
CREATE INDEX search_numbers ON layers_searchentry (street) WHERE kind = 2;
CREATE INDEX search_parcels ON layers_searchentry (norm) WHERE kind = 4;
CREATE INDEX search_sheets ON layers_searchentry (norm) WHERE kind = 3;
CREATE INDEX search_near ON layers_searchentry USING gist (point) WHERE kind = 2;
CREATE INDEX search_words_of_layer ON layers_searchword (layer_id);
CREATE INDEX search_words_begun ON layers_searchword (word text_pattern_ops);
CREATE INDEX search_words_near ON layers_searchword USING gin (word gin_trgm_ops) WITH (gin_pending_list_limit = 131072);

-- Ask for a layer to be indexed anew: one waiting job is enough for any number of changes.
CREATE FUNCTION layers_ask_for_search(wanted bigint) RETURNS void LANGUAGE plpgsql AS $$
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

CREATE FUNCTION layers_layer_changed_for_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM layers_ask_for_search(NEW.id);
    RETURN NULL;
END
$$;
CREATE TRIGGER ask_for_search AFTER UPDATE ON layers_layer FOR EACH ROW
    WHEN ((OLD.data_version, OLD.is_published, OLD.table_name, OLD.id_field, OLD.geometry_field, OLD.kind)
          IS DISTINCT FROM
          (NEW.data_version, NEW.is_published, NEW.table_name, NEW.id_field, NEW.geometry_field, NEW.kind))
    EXECUTE FUNCTION layers_layer_changed_for_search();

CREATE FUNCTION layers_field_changed_for_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM layers_ask_for_search(CASE TG_OP WHEN 'DELETE' THEN OLD.layer_id ELSE NEW.layer_id END);
    RETURN NULL;
END
$$;
CREATE TRIGGER ask_for_search_new AFTER INSERT ON layers_field FOR EACH ROW WHEN (NEW.is_searchable)
    EXECUTE FUNCTION layers_field_changed_for_search();
CREATE TRIGGER ask_for_search_gone AFTER DELETE ON layers_field FOR EACH ROW WHEN (OLD.is_searchable)
    EXECUTE FUNCTION layers_field_changed_for_search();
CREATE TRIGGER ask_for_search_changed AFTER UPDATE ON layers_field FOR EACH ROW
    WHEN ((OLD.is_searchable OR NEW.is_searchable)
          AND (OLD.is_searchable, OLD.search_role, OLD.is_visible, OLD.access, OLD.name)
              IS DISTINCT FROM (NEW.is_searchable, NEW.search_role, NEW.is_visible, NEW.access, NEW.name))
    EXECUTE FUNCTION layers_field_changed_for_search();

-- What is there already.
SELECT layers_ask_for_search(id) FROM layers_layer;
