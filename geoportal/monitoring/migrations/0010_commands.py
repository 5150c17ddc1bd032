import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Uses the function of 0007: who did what to a device is never rewritten.
FORWARD = """
CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE ON monitoring_deviceact
    FOR EACH ROW EXECUTE FUNCTION monitoring_only_added_to();
"""
BACKWARD = "DROP TRIGGER only_added_to ON monitoring_deviceact;"


class Migration(migrations.Migration):
    dependencies = [
        ("monitoring", "0009_device_enrolled_at"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceCommand",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("op", models.CharField(max_length=40)),
                ("args", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "In coda"),
                            ("sent", "Inviato"),
                            ("accepted", "Accettato"),
                            ("running", "In corso"),
                            ("done", "Eseguito"),
                            ("failed", "Non riuscito"),
                            ("rejected", "Rifiutato"),
                            ("expired", "Scaduto"),
                            ("unsupported", "Non previsto dal dispositivo"),
                        ],
                        default="queued",
                        max_length=12,
                    ),
                ),
                ("code", models.IntegerField(default=0)),
                ("output", models.TextField(blank=True)),
                ("asked_name", models.CharField(max_length=150)),
                ("created_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                ("claimed_until", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("answered_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("given_up", models.BooleanField(default=False)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "device",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="commands", to="monitoring.device"
                    ),
                ),
            ],
            options={
                "verbose_name": "comando",
                "verbose_name_plural": "comandi",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="DeviceAct",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("devid", models.CharField(max_length=32)),
                (
                    "act",
                    models.CharField(
                        choices=[
                            ("created", "Creato"),
                            ("command", "Comando"),
                            ("token", "Gettone di abilitazione emesso"),
                            ("token_revoked", "Gettone di abilitazione annullato"),
                            ("enrolled", "Abilitato"),
                            ("rotated", "Credenziali revocate"),
                            ("suspended", "Sospeso"),
                            ("resumed", "Ripreso"),
                            ("decommissioned", "Dismesso"),
                        ],
                        max_length=16,
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=300)),
                ("by", models.BigIntegerField(null=True)),
                ("by_name", models.CharField(max_length=150)),
                ("at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "atto su un dispositivo",
                "verbose_name_plural": "atti sui dispositivi",
                "ordering": ["-at", "-id"],
                "indexes": [models.Index(fields=["devid", "-at"], name="act_by_device")],
            },
        ),
        migrations.CreateModel(
            name="Screenshot",
            fields=[
                (
                    "command",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="picture",
                        serialize=False,
                        to="monitoring.devicecommand",
                    ),
                ),
                ("image", models.BinaryField()),
                ("width", models.PositiveIntegerField()),
                ("height", models.PositiveIntegerField()),
                ("received_at", models.DateTimeField()),
            ],
            options={
                "verbose_name": "schermata",
                "verbose_name_plural": "schermate",
            },
        ),
        migrations.AddIndex(
            model_name="devicecommand",
            index=models.Index(fields=["device", "-created_at"], name="command_by_device"),
        ),
        migrations.AddIndex(
            model_name="devicecommand",
            index=models.Index(
                condition=models.Q(("state__in", ("queued", "sent", "accepted", "running"))),
                fields=["expires_at"],
                name="command_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="devicecommand",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_at__gt", models.F("created_at"))),
                name="command_expires_after_it_was_asked",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
