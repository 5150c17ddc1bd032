-- The schema that holds the data of every layer, and the triggers that announce changes of the catalogue.
CREATE SCHEMA IF NOT EXISTS geodata;

CREATE FUNCTION layers_bump_catalogue() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    new_version bigint;
BEGIN
    -- Microseconds, so that a number never comes back, not even after the row was lost.
    INSERT INTO layers_catalogueversion AS held (id, version)
    VALUES (1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
    ON CONFLICT (id) DO UPDATE SET version = greatest(held.version + 1, excluded.version)
    RETURNING version INTO new_version;
    PERFORM pg_notify('catalogue', new_version::text);
    RETURN NULL;
END
$$;

DO $$
DECLARE
    watched text;
BEGIN
    FOREACH watched IN ARRAY ARRAY['layers_theme', 'layers_layer', 'layers_layer_groups', 'layers_field', 'layers_style']
    LOOP
        EXECUTE format(
            'CREATE TRIGGER bump_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION layers_bump_catalogue()', watched);
    END LOOP;
END
$$;

-- Put on every table of geodata by the import: any change of the data raises the layer's data version, and with it
-- the catalogue's, so that versioned tile URLs and ETags change.
CREATE FUNCTION layers_bump_data() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE layers_layer SET data_version = data_version + 1, data_updated_at = now() WHERE table_name = TG_TABLE_NAME;
    RETURN NULL;
END
$$;
