-- Far tiles of large layers, prepared: one table a layer, beside the row that says of which data it is.
CREATE SCHEMA IF NOT EXISTS geodata_tiles;

CREATE TRIGGER bump_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON layers_tileoverview
FOR EACH STATEMENT EXECUTE FUNCTION layers_bump_catalogue();

CREATE FUNCTION layers_drop_overview() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('DROP TABLE IF EXISTS geodata_tiles.%I', 'layer_' || OLD.layer_id);
    RETURN NULL;
END
$$;

CREATE TRIGGER drop_overview AFTER DELETE ON layers_tileoverview
FOR EACH ROW EXECUTE FUNCTION layers_drop_overview();

-- What is kept by a data version must never meet that number again with other data: a row of the catalogue that was read
-- before a change and is written after it would bring the old number back.
CREATE FUNCTION layers_keep_data_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.data_version := greatest(NEW.data_version, OLD.data_version);
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_data_version BEFORE UPDATE ON layers_layer
FOR EACH ROW WHEN (NEW.data_version < OLD.data_version) EXECUTE FUNCTION layers_keep_data_version();
