"""What is stored of the one-time tokens by which an agent fetches its configuration."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class EnrolmentToken(models.Model):
    """A secret for one device, good once and not for long. Only its digest is kept: it is shown once."""

    device = models.ForeignKey("monitoring.Device", models.CASCADE, related_name="enrolment_tokens")
    digest = models.BinaryField(max_length=32, unique=True)
    """SHA-256 of the secret, which has 160 random bits."""
    hint = models.CharField(max_length=12)
    """Its first characters, by which a technician knows it."""
    issued_by = models.CharField(max_length=150)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_from = models.CharField(max_length=64, blank=True)
    """Network address of who used it."""
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "monitoring"
        verbose_name, verbose_name_plural = _("gettone di abilitazione"), _("gettoni di abilitazione")
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["device"],
                condition=models.Q(used_at__isnull=True, revoked_at__isnull=True),
                name="one_open_enrolment_token_per_device",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.hint}…"
