-- Foreign tables of other offices' databases; what layers read are views of them in `geodata`.
CREATE SCHEMA sources;

-- What a source is changes the catalogue; how it has been doing does not.
CREATE TRIGGER bump_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON layers_source
    FOR EACH STATEMENT EXECUTE FUNCTION layers_bump_catalogue();
