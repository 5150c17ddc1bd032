"""The versions of layers, and the tables and files their states are in."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class LayerGeneration(models.Model):
    """A table of a layer, from the version it came with until another takes its place, and its history beside it."""

    layer = models.ForeignKey("layers.Layer", models.CASCADE, related_name="generations", verbose_name=_("livello"))
    first = models.PositiveIntegerField()
    """Number of the version it began with, or of the oldest that is kept of it."""
    is_current = models.BooleanField(default=True)
    """The current one is in `geodata`, replaced ones are in `geodata_past`; history tables always are there."""
    table_name = models.CharField(max_length=63)
    history_table = models.CharField(max_length=63, unique=True)
    id_field = models.CharField(max_length=63)
    store = models.JSONField(default=dict, blank=True)
    """Of a replaced one: geometry_field, geometry_type, has_z, srid as the catalogue had them."""
    fields = models.JSONField(default=list, blank=True)
    """Of a replaced one: its attributes as the catalogue had them, so that those gone keep the rights they had."""

    class Meta:
        app_label = "layers"
        ordering = ["layer", "first"]
        constraints = [
            models.UniqueConstraint(fields=["layer", "first"], name="generation_once_per_version"),
            models.UniqueConstraint(
                fields=["layer"], condition=models.Q(is_current=True), name="one_current_generation"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.table_name} ({self.first})"


class RasterState(models.Model):
    """A file of a raster layer, kept as long as a version is in it, and what the catalogue said of it."""

    layer = models.ForeignKey("layers.Layer", models.CASCADE, related_name="raster_states", verbose_name=_("livello"))
    path = models.CharField(max_length=255, unique=True)
    """Relative to settings.RASTER_DIR. A name is given to one file only, ever."""
    checksum = models.CharField(max_length=64)
    """SHA-256 of the file, hexadecimal."""
    bytes = models.PositiveBigIntegerField()
    srid = models.PositiveIntegerField(null=True)
    info = models.JSONField(default=dict)
    bbox = ArrayField(models.FloatField(), size=4, null=True)
    storage_bbox = ArrayField(models.FloatField(), size=4, null=True)
    source_file = models.CharField(max_length=255, blank=True)

    class Meta:
        app_label = "layers"
        ordering = ["layer", "id"]
        constraints = [
            models.UniqueConstraint(fields=["layer", "checksum"], name="raster_state_once_per_layer"),
        ]

    def __str__(self) -> str:
        return self.path


class LayerVersion(models.Model):
    """One change of a layer's data, written in the transaction of the change: of a table by the database itself."""

    class What(models.TextChoices):
        IMPORT = "import", _("Prima importazione")
        REPLACE = "replace", _("Sostituzione")
        APPEND = "append", _("Aggiunta")
        SYNCHRONISE = "synchronise", _("Sincronizzazione")
        EDIT = "edit", _("Modifica di elementi")
        RESTORE = "restore", _("Ripristino")
        BASELINE = "baseline", _("Stato all'inizio della storia")
        DATABASE = "database", _("Modifica nel database")

    layer = models.ForeignKey("layers.Layer", models.CASCADE, related_name="versions", verbose_name=_("livello"))
    number = models.PositiveIntegerField(_("versione"))
    generation = models.ForeignKey(LayerGeneration, models.CASCADE, null=True, blank=True, related_name="versions")
    """Of a table."""
    raster = models.ForeignKey(RasterState, models.CASCADE, null=True, blank=True, related_name="versions")
    """Of a raster, which counts its pixels below."""
    made_at = models.DateTimeField(_("registrata il"))
    valid_from = models.DateTimeField(_("dati riferiti al"))
    """From when the layer is shown in this state; when it was made unless somebody knew better."""
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("utente"), related_name="+"
    )
    what = models.CharField(_("che cosa"), max_length=12, choices=What)
    note = models.TextField(_("nota"), blank=True)
    added = models.PositiveBigIntegerField(_("aggiunti"), null=True, blank=True)
    """Counted when the change is committed."""
    changed = models.PositiveBigIntegerField(_("cambiati"), null=True, blank=True)
    removed = models.PositiveBigIntegerField(_("tolti"), null=True, blank=True)
    transaction = models.BigIntegerField(editable=False)
    """The transaction that made it: what it changes more belongs to the same version."""

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("versione"), _("versioni")
        ordering = ["layer", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["layer", "number"], name="version_number_once_per_layer"),
            models.CheckConstraint(
                condition=models.Q(generation__isnull=False, raster__isnull=True)
                | models.Q(generation__isnull=True, raster__isnull=False),
                name="version_is_of_a_table_or_a_raster",
            ),
        ]
        indexes = [models.Index(fields=["layer", "valid_from"], name="version_by_date")]

    def __str__(self) -> str:
        return f"{self.number} ({self.get_what_display()})"
