-- A change of a theme's groups is a change of the catalogue, and the register of reads is only ever added to.
CREATE TRIGGER bump_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON layers_theme_groups
    FOR EACH STATEMENT EXECUTE FUNCTION layers_bump_catalogue();

CREATE FUNCTION layers_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON layers_readofrestricted
    FOR EACH ROW EXECUTE FUNCTION layers_only_added_to();
