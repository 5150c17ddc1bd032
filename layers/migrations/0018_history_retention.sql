-- The tables of a layer's past go with what the catalogue says of them: with the layer, or when its history is cut.
CREATE FUNCTION layers_drop_generation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    here text := format('geodata.%I', OLD.table_name);
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS geodata_past.%I', OLD.history_table);
    IF NOT OLD.is_current THEN
        EXECUTE format('DROP TABLE IF EXISTS geodata_past.%I', OLD.table_name);
    ELSIF to_regclass(here) IS NOT NULL THEN
        -- The table itself stays; a layer that is made of it again begins a history of its own.
        EXECUTE format(
            'DROP TRIGGER IF EXISTS keep_insert ON %1$s; DROP TRIGGER IF EXISTS keep_update ON %1$s; '
            'DROP TRIGGER IF EXISTS keep_delete ON %1$s; DROP TRIGGER IF EXISTS keep_truncate ON %1$s', here);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER drop_tables AFTER DELETE ON layers_layergeneration
FOR EACH ROW EXECUTE FUNCTION layers_drop_generation();
