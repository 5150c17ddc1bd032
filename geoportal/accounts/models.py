"""What is stored of access tokens and of failed attempts to sign in."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AccessToken(models.Model):
    """A secret that lets a program act as its owner. Only its digest is kept: the secret is shown once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="tokens", verbose_name=_("utente"))
    name = models.CharField(_("nome"), max_length=80)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    """SHA-256 of the secret, which has 256 random bits: a slow hash would protect nothing more."""
    hint = models.CharField(_("comincia con"), max_length=12, editable=False)
    """The first characters of the secret, by which its owner knows it."""
    created_at = models.DateTimeField(_("creato il"), auto_now_add=True)
    expires_at = models.DateTimeField(_("scade il"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("ultimo uso"), null=True, blank=True, editable=False)
    """To the minute, not to the request."""
    revoked_at = models.DateTimeField(_("revocato il"), null=True, blank=True)

    class Meta:
        app_label = "geoportal"
        verbose_name, verbose_name_plural = _("gettone di accesso"), _("gettoni di accesso")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def is_usable(self) -> bool:
        return self.revoked_at is None and not self.is_expired


class FailedAttempts(models.Model):
    """How often an account or an address failed to sign in, within one window of time."""

    key = models.CharField(max_length=200, primary_key=True)
    """What is counted: "login account …", "login address …", "token address …"."""
    count = models.PositiveIntegerField()
    since_at = models.DateTimeField()

    class Meta:
        app_label = "geoportal"

    def __str__(self) -> str:
        return f"{self.key}: {self.count}"
