from django.db import migrations

FORWARD = """
CREATE FUNCTION monitoring_steps_of_alerts_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Retention says in its own transaction before which moment it forgets; nothing younger than 90 days ever goes.
    IF TG_OP = 'DELETE'
       AND OLD.at < nullif(current_setting('geoportal.forget_before', true), '')::timestamptz
       AND OLD.at < now() - interval '90 days' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME;
END
$$;
DROP TRIGGER only_added_to ON monitoring_alerttransition;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON monitoring_alerttransition
    FOR EACH ROW EXECUTE FUNCTION monitoring_steps_of_alerts_are_kept();
"""
BACKWARD = """
DROP FUNCTION monitoring_steps_of_alerts_are_kept CASCADE;
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON monitoring_alerttransition
    FOR EACH ROW EXECUTE FUNCTION monitoring_only_added_to();
"""


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0013_enrolment_tokens")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
