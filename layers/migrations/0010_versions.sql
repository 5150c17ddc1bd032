-- Every change of a layer's data is a version; what a change takes away is kept.
--
-- A history table beside each table holds two kinds of row. Closed ("#to" set): a feature as it was from version "#from"
-- until version "#to". Open ("#to" null): only an identifier, saying that the feature as it now stands in the table
-- came with version "#from"; a feature without one has been there since the generation began. So the state at a
-- version v is: the table without those whose open row is younger than v, and the closed rows that span v.
CREATE SCHEMA IF NOT EXISTS geodata_past;

CREATE FUNCTION layers_begin_version(wanted bigint) RETURNS bigint LANGUAGE plpgsql AS $$
-- The number of the version that this transaction makes of a generation's layer: one, however much it changes.
DECLARE
    held layers_layergeneration;
    last_version layers_layerversion;
    made timestamptz;
    valid timestamptz;
BEGIN
    SELECT * INTO STRICT held FROM layers_layergeneration WHERE id = wanted;
    -- One transaction after the other: numbers, times and states of a layer come in the same order.
    PERFORM 1 FROM layers_layer WHERE id = held.layer_id FOR NO KEY UPDATE;
    SELECT * INTO last_version FROM layers_layerversion WHERE layer_id = held.layer_id ORDER BY number DESC LIMIT 1;
    IF last_version.transaction = pg_current_xact_id()::text::bigint AND last_version.made_at >= now()
        AND last_version.generation_id = wanted
    THEN
        RETURN last_version.number;
    END IF;
    made := greatest(clock_timestamp(), last_version.made_at + interval '1 microsecond');
    valid := coalesce(nullif(current_setting('geoportal.valid_from', true), '')::timestamptz, made);
    IF valid > made OR valid <= last_version.valid_from THEN
        RAISE EXCEPTION 'data of % cannot be those of a version made % after one of %', valid, made, last_version.valid_from
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO layers_layerversion (layer_id, number, generation_id, made_at, valid_from, user_id, what, note, transaction)
    VALUES (
        held.layer_id, coalesce(last_version.number, 0) + 1, held.id, made, valid,
        nullif(current_setting('geoportal.user', true), '')::integer,
        coalesce(nullif(current_setting('geoportal.change', true), ''), 'database'),
        coalesce(nullif(current_setting('geoportal.note', true), ''), ''),
        pg_current_xact_id()::text::bigint
    );
    RETURN coalesce(last_version.number, 0) + 1;
END
$$;

CREATE FUNCTION layers_keep_rows() RETURNS trigger LANGUAGE plpgsql AS $$
-- On tables of geodata, for each statement. Arguments: the generation's number, the column of the identifier.
DECLARE
    held layers_layergeneration;
    history text;
    names text;
    here text;
    version bigint;
    gone text := 'TRUE';
    come text := 'TRUE';
    has_changed boolean;
BEGIN
    SELECT * INTO held FROM layers_layergeneration WHERE id = TG_ARGV[0]::bigint;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    history := format('geodata_past.%I', held.history_table);
    here := format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME);
    SELECT string_agg(format('%I', k.attname), ', '), string_agg(format('o.%I', k.attname), ', ')
    INTO names, gone
    FROM pg_attribute AS k
    JOIN pg_attribute AS m ON m.attrelid = here::regclass AND m.attname = k.attname AND NOT m.attisdropped
    WHERE k.attrelid = history::regclass AND k.attnum > 0 AND NOT k.attisdropped;
    IF TG_OP = 'TRUNCATE' THEN
        version := layers_begin_version(held.id);
        EXECUTE format(
            'INSERT INTO %1$s (%2$s, "#from", "#to") SELECT %3$s, coalesce(b."#from", %4$s), %5$s FROM %6$s AS o '
            'LEFT JOIN %1$s AS b ON b.%7$I = o.%7$I AND b."#to" IS NULL WHERE coalesce(b."#from", %4$s) < %5$s',
            history, names, gone, held.first, version, here, TG_ARGV[1]);
        EXECUTE format('DELETE FROM %s WHERE "#to" IS NULL', history);
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        -- Rows written again as they were have not changed.
        EXECUTE format(
            'SELECT EXISTS (SELECT 1 FROM old_rows AS o WHERE NOT EXISTS '
            '(SELECT 1 FROM new_rows AS n WHERE n.%1$I = o.%1$I AND n *= o))', TG_ARGV[1]) INTO has_changed;
    ELSIF TG_OP = 'DELETE' THEN
        has_changed := EXISTS (SELECT 1 FROM old_rows);
    ELSE
        has_changed := EXISTS (SELECT 1 FROM new_rows);
    END IF;
    IF NOT has_changed THEN
        RETURN NULL;
    END IF;
    version := layers_begin_version(held.id);
    IF TG_OP <> 'INSERT' THEN
        come := CASE WHEN TG_OP = 'UPDATE' THEN format(
            'NOT EXISTS (SELECT 1 FROM new_rows AS n WHERE n.%1$I = o.%1$I AND n *= o)', TG_ARGV[1]) ELSE 'TRUE' END;
        EXECUTE format(
            'INSERT INTO %1$s (%2$s, "#from", "#to") SELECT %3$s, coalesce(b."#from", %4$s), %5$s FROM old_rows AS o '
            'LEFT JOIN %1$s AS b ON b.%6$I = o.%6$I AND b."#to" IS NULL '
            'WHERE coalesce(b."#from", %4$s) < %5$s AND %7$s',
            history, names, gone, held.first, version, TG_ARGV[1], come);
        EXECUTE format(
            'DELETE FROM %1$s AS b USING old_rows AS o WHERE b.%2$I = o.%2$I AND b."#to" IS NULL AND %3$s',
            history, TG_ARGV[1], come);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        come := CASE WHEN TG_OP = 'UPDATE' THEN format(
            'NOT EXISTS (SELECT 1 FROM old_rows AS o WHERE o.%1$I = n.%1$I AND o *= n)', TG_ARGV[1]) ELSE 'TRUE' END;
        EXECUTE format(
            'INSERT INTO %1$s (%2$I, "#from") SELECT n.%2$I, %3$s FROM new_rows AS n WHERE %4$s',
            history, TG_ARGV[1], version, come);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION layers_count_version() RETURNS trigger LANGUAGE plpgsql AS $$
-- At commit, once for a version: how many features it added, changed and removed, in sum.
DECLARE
    held layers_layergeneration;
BEGIN
    SELECT * INTO STRICT held FROM layers_layergeneration WHERE id = NEW.generation_id;
    EXECUTE format(
        'UPDATE layers_layerversion AS v SET added = s.added, changed = s.changed, removed = s.removed FROM ('
        'SELECT count(*) FILTER (WHERE c.id IS NULL) AS added, count(*) FILTER (WHERE o.id = c.id) AS changed, '
        'count(*) FILTER (WHERE o.id IS NULL) AS removed '
        'FROM (SELECT %1$I AS id FROM geodata_past.%2$I WHERE "#from" = %3$s) AS o '
        'FULL JOIN (SELECT %1$I AS id FROM geodata_past.%2$I WHERE "#to" = %3$s) AS c ON c.id = o.id) AS s '
        'WHERE v.id = %4$s AND v.added IS NULL', held.id_field, held.history_table, NEW.number, NEW.id);
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER count_version AFTER INSERT ON layers_layerversion DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.added IS NULL) EXECUTE FUNCTION layers_count_version();

CREATE FUNCTION layers_keep_versions(for_layer bigint) RETURNS bigint LANGUAGE plpgsql AS $$
-- From now on keep what changes in a layer's table: a new generation, whose first version holds all its features as
-- added unless the settings of the transaction say other numbers. out: the generation, NULL for what is no table of
-- ours (a view, a foreign table, a raster) or has its history already.
DECLARE
    target layers_layer;
    here text;
    history text;
    names text;
    made bigint;
    version bigint;
    features bigint;
BEGIN
    SELECT * INTO STRICT target FROM layers_layer WHERE id = for_layer FOR NO KEY UPDATE;
    here := format('geodata.%I', target.table_name);
    IF target.kind <> 'vector' OR target.is_live
        OR NOT EXISTS (SELECT 1 FROM pg_class WHERE oid = to_regclass(here) AND relkind IN ('r', 'p'))
        OR EXISTS (SELECT 1 FROM layers_layergeneration WHERE layer_id = for_layer AND is_current)
    THEN
        RETURN NULL;
    END IF;
    SELECT coalesce(max(number), 0) + 1 INTO version FROM layers_layerversion WHERE layer_id = for_layer;
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO names
    FROM pg_attribute
    WHERE attrelid = here::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '';
    history := format('%s__%s_%s', left(target.table_name, 40), for_layer, version);
    EXECUTE format('CREATE TABLE geodata_past.%I AS SELECT %s FROM %s WITH NO DATA', history, names, here);
    EXECUTE format('ALTER TABLE geodata_past.%I ADD COLUMN "#from" integer NOT NULL, ADD COLUMN "#to" integer', history);
    EXECUTE format('CREATE INDEX ON geodata_past.%I (%I)', history, target.id_field);
    EXECUTE format('CREATE INDEX ON geodata_past.%I ("#from")', history);
    EXECUTE format('CREATE INDEX ON geodata_past.%I ("#to")', history);
    IF target.geometry_field <> '' THEN
        EXECUTE format('CREATE INDEX ON geodata_past.%I USING gist (%I)', history, target.geometry_field);
    END IF;
    INSERT INTO layers_layergeneration (layer_id, first, is_current, table_name, history_table, id_field, store, fields)
    VALUES (for_layer, version, true, target.table_name, history, target.id_field, '{}', '[]') RETURNING id INTO made;
    PERFORM layers_begin_version(made);
    EXECUTE format('SELECT count(*) FROM %s', here) INTO features;
    UPDATE layers_layerversion
    SET added = coalesce(nullif(current_setting('geoportal.added', true), '')::bigint, features),
        changed = coalesce(nullif(current_setting('geoportal.changed', true), '')::bigint, 0),
        removed = coalesce(nullif(current_setting('geoportal.removed', true), '')::bigint, 0)
    WHERE layer_id = for_layer AND number = version;
    EXECUTE format(
        'CREATE TRIGGER keep_insert AFTER INSERT ON %1$s REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT '
        'EXECUTE FUNCTION layers_keep_rows(%2$L, %3$L); '
        'CREATE TRIGGER keep_update AFTER UPDATE ON %1$s REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows '
        'FOR EACH STATEMENT EXECUTE FUNCTION layers_keep_rows(%2$L, %3$L); '
        'CREATE TRIGGER keep_delete AFTER DELETE ON %1$s REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT '
        'EXECUTE FUNCTION layers_keep_rows(%2$L, %3$L); '
        'CREATE TRIGGER keep_truncate BEFORE TRUNCATE ON %1$s FOR EACH STATEMENT '
        'EXECUTE FUNCTION layers_keep_rows(%2$L, %3$L)', here, made, target.id_field);
    RETURN made;
END
$$;

-- What the layers of today hold is where their history begins.
DO $$
DECLARE
    one layers_layer;
BEGIN
    PERFORM set_config('geoportal.change', 'baseline', true);
    FOR one IN SELECT * FROM layers_layer ORDER BY id LOOP
        PERFORM set_config('geoportal.valid_from', least(coalesce(one.data_updated_at, one.created_at), now())::text, true);
        PERFORM layers_keep_versions(one.id);
    END LOOP;
    PERFORM set_config('geoportal.change', '', true), set_config('geoportal.valid_from', '', true);
END
$$;

-- What the first versions put off is done now: a table with events to come cannot be altered, and Django adds the keys last.
SET CONSTRAINTS ALL IMMEDIATE;
