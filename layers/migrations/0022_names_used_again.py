from django.db import migrations

# Tiles are kept for ever by the layer's name and data version: a new layer of an old name must not begin at 1 again.
# In milliseconds no layer changes so often as to reach the number that the next one of its name begins at.
FORWARD = """
CREATE FUNCTION layers_begin_data_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM layers_deletedlayer WHERE layer = NEW.slug) THEN
        NEW.data_version := greatest(NEW.data_version, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER begin_data_version BEFORE INSERT ON layers_layer
FOR EACH ROW EXECUTE FUNCTION layers_begin_data_version();
"""
BACKWARD = "DROP FUNCTION layers_begin_data_version CASCADE"


class Migration(migrations.Migration):
    dependencies = [
        ("layers", "0021_deleted_layers"),
    ]

    operations = [
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
