"""The registers of reads and of deletions. The database refuses to change or delete a row of them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReadOfRestricted(models.Model):
    """Equal reads of one second are one row; `requests` says how many they were.

    People and layers are named, not referred to: the register outlives them.
    """

    at = models.DateTimeField(_("quando"))
    user_id = models.BigIntegerField(_("numero dell'utente"))
    user_name = models.CharField(_("utente"), max_length=150)
    token_id = models.BigIntegerField(_("gettone"), null=True)
    layer = models.CharField(_("livello"), max_length=63)
    door = models.CharField(_("da dove"), max_length=60)
    """The name of the address that answered."""
    item = models.CharField(_("elemento"), max_length=200, blank=True)
    features = models.PositiveBigIntegerField(_("elementi letti"), null=True)
    """How many features the answers held, where the door knows it."""
    requests = models.PositiveIntegerField(_("richieste"), default=1)

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("lettura di dati riservati"), _("letture di dati riservati")
        ordering = ["-at", "-id"]
        indexes = [
            models.Index(fields=["-at"], name="read_by_time"),
            models.Index(fields=["layer", "-at"], name="read_by_layer"),
            models.Index(fields=["user_id", "-at"], name="read_by_user"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.user_name} {self.layer} {self.door} {self.item}".rstrip()


class DeletedLayer(models.Model):
    """A layer that is no more: what it was, who deleted it, what went and what stayed. Named, not referred to."""

    at = models.DateTimeField(_("quando"))
    user_id = models.BigIntegerField(_("numero dell'utente"), null=True)
    """Null: with its source, or from the command line."""
    user_name = models.CharField(_("utente"), max_length=150, blank=True)
    layer = models.CharField(_("livello"), max_length=63)
    title = models.CharField(_("titolo"), max_length=200)
    kind = models.CharField(_("genere"), max_length=8)
    features = models.PositiveBigIntegerField(_("elementi"), null=True)
    versions = models.PositiveIntegerField(_("versioni"))
    bytes = models.PositiveBigIntegerField(_("byte"))
    """Of its data and of its past, with what stayed."""
    kept = models.CharField(_("che cosa è rimasto"), max_length=500, blank=True)

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("livello eliminato"), _("livelli eliminati")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.user_name} {self.layer}"
