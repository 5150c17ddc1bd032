"""What is stored of commands, of the pictures they bring back, and of who did what to a device."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class DeviceCommand(models.Model):
    """One command to one device. Written by who asks, by the dispatcher, and by ingest with what the device says."""

    class State(models.TextChoices):
        """The life of a command (docs/mqtt-contract.md). The last six are final."""

        QUEUED = "queued", _("In coda")
        SENT = "sent", _("Inviato")
        ACCEPTED = "accepted", _("Accettato")
        RUNNING = "running", _("In corso")
        DONE = "done", _("Eseguito")
        FAILED = "failed", _("Non riuscito")
        REJECTED = "rejected", _("Rifiutato")
        EXPIRED = "expired", _("Scaduto")
        UNSUPPORTED = "unsupported", _("Non previsto dal dispositivo")

    FINAL = frozenset({State.DONE, State.FAILED, State.REJECTED, State.EXPIRED, State.UNSUPPORTED})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    device = models.ForeignKey("monitoring.Device", models.CASCADE, related_name="commands")
    op = models.CharField(max_length=40)
    args = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=State, default=State.QUEUED)
    code = models.IntegerField(default=0)
    """The device's own number for the result; 0: all well."""
    output = models.TextField(blank=True)
    """What the device answered, at most 4096 characters."""
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_name = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    """A device refuses it from then on."""
    claimed_until = models.DateTimeField(null=True)
    """Until then one dispatcher is handing it to the broker; afterwards another may."""
    sent_at = models.DateTimeField(null=True)
    """When the broker took it for the device."""
    answered_at = models.DateTimeField(null=True)
    """When the device first said something about it."""
    finished_at = models.DateTimeField(null=True)
    given_up = models.BooleanField(default=False)
    """We ended it because nothing came; whatever the device still says is the truth and replaces it."""

    class Meta:
        app_label = "monitoring"
        verbose_name, verbose_name_plural = _("comando"), _("comandi")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["device", "-created_at"], name="command_by_device"),
            models.Index(
                fields=["expires_at"],
                condition=models.Q(state__in=("queued", "sent", "accepted", "running")),
                name="command_open",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="command_expires_after_it_was_asked"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.op} ({self.id})"

    @property
    def is_open(self) -> bool:
        """Whether something may still happen to it."""
        return self.state not in self.FINAL


class Screenshot(models.Model):
    """The picture that a `screenshot` command brought back. Few are kept of each device, and not for long."""

    command = models.OneToOneField(DeviceCommand, models.CASCADE, primary_key=True, related_name="picture")
    image = models.BinaryField()
    """JPEG."""
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    received_at = models.DateTimeField()

    class Meta:
        app_label = "monitoring"
        verbose_name, verbose_name_plural = _("schermata"), _("schermate")

    def __str__(self) -> str:
        return f"{self.width} × {self.height}, {self.received_at}"


class DeviceAct(models.Model):
    """Who did what to a device: commands, credentials, stages of life. Rows are only added (a trigger holds it)."""

    class Act(models.TextChoices):
        CREATED = "created", _("Creato")
        COMMAND = "command", _("Comando")
        TOKEN = "token", _("Gettone di abilitazione emesso")
        TOKEN_REVOKED = "token_revoked", _("Gettone di abilitazione annullato")
        ENROLLED = "enrolled", _("Abilitato")
        ROTATED = "rotated", _("Credenziali revocate")
        SUSPENDED = "suspended", _("Sospeso")
        RESUMED = "resumed", _("Ripreso")
        DECOMMISSIONED = "decommissioned", _("Dismesso")

    devid = models.CharField(max_length=32)
    """Text, no reference: what was done outlives the device."""
    act = models.CharField(max_length=16, choices=Act)
    detail = models.CharField(max_length=300, blank=True)
    by = models.BigIntegerField(null=True)
    """Number of the account; null for a program of the product or the device itself."""
    by_name = models.CharField(max_length=150)
    at = models.DateTimeField()

    class Meta:
        app_label = "monitoring"
        verbose_name, verbose_name_plural = _("atto su un dispositivo"), _("atti sui dispositivi")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["devid", "-at"], name="act_by_device")]

    def __str__(self) -> str:
        return f"{self.devid}: {self.act}"
