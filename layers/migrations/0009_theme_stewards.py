from django.db import migrations, models

WATCHED = """
CREATE TRIGGER bump_catalogue AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON layers_theme_stewards
    FOR EACH STATEMENT EXECUTE FUNCTION layers_bump_catalogue();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("layers", "0008_layer_is_editable"),
    ]

    operations = [
        migrations.AddField(
            model_name="theme",
            name="stewards",
            field=models.ManyToManyField(
                blank=True,
                help_text=(
                    "Solo i curatori di questi gruppi ne curano i livelli. Vuoto: come il tema sopra, o ogni curatore."
                ),
                related_name="kept_themes",
                to="auth.group",
                verbose_name="gruppi che lo curano",
            ),
        ),
        migrations.RunSQL(WATCHED, "DROP TRIGGER bump_catalogue ON layers_theme_stewards"),
    ]
