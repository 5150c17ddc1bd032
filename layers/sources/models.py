"""A source: where another office's data is, which layer it feeds, and how it has been doing.

What a person decides (`Source`) and what the product finds out (`SourceState`) are two tables: the first is part of
the catalogue and changes its version, the second changes at every try and must not.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

SLUG_LONGEST = 63


class Source(models.Model):
    """One foreign source of one layer. `layers.sources.services` is the only writer."""

    class Kind(models.TextChoices):
        POSTGRES = "postgres", _("Tabella di un altro PostgreSQL")
        OGR = "ogr", _("Tabella o file letto con GDAL")
        FILE = "file", _("File o CSV a un indirizzo")
        WFS = "wfs", _("WFS")
        FEATURES = "features", _("OGC API - Features")
        WMS = "wms", _("WMS in cascata")
        WMTS = "wmts", _("WMTS in cascata")

    title = models.CharField(_("titolo"), max_length=200)
    office = models.CharField(_("ufficio o ente"), max_length=200, blank=True)
    kind = models.CharField(_("genere"), max_length=8, choices=Kind)
    layer = models.OneToOneField(
        "layers.Layer", models.SET_NULL, null=True, blank=True, related_name="source", verbose_name=_("livello")
    )
    slug = models.CharField(_("nome del livello"), max_length=SLUG_LONGEST, unique=True)
    """The slug of the layer that it makes, kept here because a harvest has no layer before its first success."""
    theme = models.ForeignKey(
        "layers.Theme", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("tema")
    )
    access = models.CharField(_("accesso"), max_length=12, default="internal")
    """Of the layer when it is made; afterwards the layer's own rule holds."""

    address = models.CharField(_("indirizzo"), max_length=1000)
    """An http(s) address; host:port/database of a PostgreSQL; a GDAL name of a file or database."""
    remote_name = models.CharField(_("nome all'origine"), max_length=255, blank=True)
    """Feature type, collection, layer, or schema.table over there."""
    options = models.JSONField(_("altre opzioni"), default=dict, blank=True)
    """By kind: id_field, geometry_field, srid, encoding, swap, format, style, copy."""
    user_name = models.CharField(_("utente"), max_length=200, blank=True)
    secret = models.TextField(_("segreto"), blank=True, editable=False)
    """Encrypted: see `layers.sources.secrets`."""

    is_enabled = models.BooleanField(_("attiva"), default=True)
    every_minutes = models.PositiveIntegerField(
        _("ogni quanti minuti"), default=1440, validators=[MinValueValidator(1), MaxValueValidator(525_600)]
    )
    """Between two harvests, or between two looks at whether an attached source is still well."""
    timeout_ms = models.PositiveIntegerField(
        _("tempo massimo (ms)"), default=3000, validators=[MinValueValidator(100), MaxValueValidator(600_000)]
    )
    """For one read of an attached or cascaded source; a harvest as a whole has `harvest_seconds`."""
    harvest_seconds = models.PositiveIntegerField(
        _("durata massima della raccolta (s)"),
        default=600,
        validators=[MinValueValidator(1), MaxValueValidator(86_400)],
    )
    max_megabytes = models.PositiveIntegerField(
        _("dimensione massima (MB)"), default=500, validators=[MinValueValidator(1), MaxValueValidator(20_480)]
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("fonte"), _("fonti")
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    @property
    def is_harvest(self) -> bool:
        """Whether its data is copied here, so that its being away never shows on the map."""
        return self.kind in (self.Kind.FILE, self.Kind.WFS, self.Kind.FEATURES) or self.is_copied_table

    @property
    def is_copied_table(self) -> bool:
        """Whether a foreign table is copied on a schedule instead of being read at each request."""
        return self.is_foreign_table and bool(self.options.get("copy"))

    @property
    def is_foreign_table(self) -> bool:
        return self.kind in (self.Kind.POSTGRES, self.Kind.OGR)


class SourceState(models.Model):
    """How a source has been doing. Written in single statements by `layers.sources.health` and by the harvest."""

    class Health(models.TextChoices):
        NEW = "new", _("Mai letta")
        OK = "ok", _("Raggiungibile")
        FAILING = "failing", _("Non raggiungibile")
        CHANGED = "changed", _("Cambiata")

    source = models.OneToOneField(Source, models.CASCADE, primary_key=True, related_name="state")
    health = models.CharField(max_length=8, choices=Health, default=Health.NEW)
    since = models.DateTimeField(null=True)
    """When it became what `health` says."""
    failures = models.PositiveIntegerField(default=0)
    """In a row."""
    error = models.CharField(max_length=500, blank=True)
    retry_at = models.DateTimeField(null=True)
    """Until then nobody asks a failing source again."""
    tried_at = models.DateTimeField(null=True)
    succeeded_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    """When the last harvest found other data."""
    next_run_at = models.DateTimeField(null=True)
    features = models.PositiveBigIntegerField(null=True)

    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    """SHA-256 of what was harvested last, hexadecimal."""
    columns = ArrayField(models.CharField(max_length=200), default=list)
    """"name type" of each column at the last success: what a change of the schema is told by."""

    class Meta:
        app_label = "layers"

    def __str__(self) -> str:
        return f"{self.source_id}: {self.health}"
