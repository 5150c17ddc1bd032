from django.db import migrations

FORWARD = """
CREATE FUNCTION monitoring_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME;
END
$$;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON monitoring_alerttransition
    FOR EACH ROW EXECUTE FUNCTION monitoring_only_added_to();
"""
BACKWARD = "DROP FUNCTION monitoring_only_added_to CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0006_alerts_and_maintenance_plans")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
