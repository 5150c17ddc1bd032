"""What imports leave behind: a run, and for each file or layer of a file what became of it."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ImportRun(models.Model):
    """One call of the import, over one file or a folder."""

    source = models.CharField(_("origine"), max_length=500)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, verbose_name=_("utente"), related_name="+"
    )
    started_at = models.DateTimeField(_("inizio"), auto_now_add=True)
    finished_at = models.DateTimeField(_("fine"), null=True, blank=True)

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("importazione"), _("importazioni")
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.source} ({self.started_at:%Y-%m-%d %H:%M})"

    def finish(self) -> None:
        """Note that nothing more comes of this run."""
        self.finished_at = timezone.now()
        self.save(update_fields=["finished_at"])


class ImportOutcome(models.Model):
    """What became of one layer of a file, or of a whole file that was refused."""

    class Result(models.TextChoices):
        IMPORTED = "imported", _("Importato")
        PARTLY = "partly", _("Importato in parte")
        REFUSED = "refused", _("Rifiutato")
        UNCHANGED = "unchanged", _("Invariato")
        CHECKED = "checked", _("Solo confrontato")

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="outcomes", verbose_name=_("importazione"))
    file = models.CharField(_("file"), max_length=1000)
    """Path relative to the imported folder, absolute for a file imported by itself: how people know it."""
    source_key = models.CharField(_("identità della sorgente"), max_length=1000, blank=True, editable=False)
    """What tells this source from every other, with `source_layer`: the resolved path, or what an upload says."""
    source_layer = models.CharField(_("livello nel file"), max_length=255, blank=True)
    checksum = models.CharField(max_length=64, blank=True)
    """SHA-256 of the file, hexadecimal."""
    format = models.CharField(_("formato"), max_length=40, blank=True)
    result = models.CharField(_("esito"), max_length=10, choices=Result)
    reason = models.TextField(_("motivo"), blank=True)
    layer = models.ForeignKey(
        "layers.Layer", models.SET_NULL, null=True, blank=True, related_name="imports", verbose_name=_("livello")
    )
    features = models.PositiveBigIntegerField(_("elementi"), null=True, blank=True)
    geometry_type = models.CharField(_("tipo di geometria"), max_length=24, blank=True)
    crs_found = models.CharField(_("sistema di riferimento"), max_length=200, blank=True)
    crs_how = models.CharField(_("come è stato trovato"), max_length=300, blank=True)
    storage_srid = models.PositiveIntegerField(_("EPSG in archivio"), null=True, blank=True)
    encoding = models.CharField(_("codifica"), max_length=40, blank=True)
    encoding_how = models.CharField(_("come è stata trovata"), max_length=300, blank=True)
    null_geometries = models.PositiveBigIntegerField(_("senza geometria"), default=0)
    repaired = models.PositiveBigIntegerField(_("geometrie riparate"), default=0)
    repairs = models.JSONField(_("geometrie riparate, quali"), default=list, blank=True)
    """[place in the file, `repaired`, `closed` or `unusable`] of each."""
    rejected_rows = models.PositiveBigIntegerField(_("righe scartate"), default=0)
    rejected_lines = models.JSONField(_("righe scartate, numeri"), default=list, blank=True)
    """Every rejected row by the number of its line in the file."""
    changes = models.JSONField(_("che cosa è cambiato"), default=dict, blank=True)
    """Of new data for a layer there was: mode, added, changed, moved, removed, unchanged, samples, notes, version."""
    notes = models.JSONField(_("note"), default=list, blank=True)
    """List of sentences."""
    seconds = models.FloatField(_("secondi"), default=0)

    class Meta:
        app_label = "layers"
        verbose_name, verbose_name_plural = _("esito di importazione"), _("esiti di importazione")
        ordering = ["id"]
        indexes = [models.Index(fields=["source_key", "source_layer"], name="import_outcome_source")]

    def __str__(self) -> str:
        return f"{self.file} {self.source_layer}: {self.get_result_display()}"
