"""Access points of the public Wi-Fi."""

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from geoportal.monitoring.models import Device


class AccessPoint(Device):
    """A Wi-Fi access point: what the inventory knows. What it reports stands in its status and telemetry."""

    ssid = models.CharField(_("nome della rete"), max_length=32, default="Cremona 2.0")
    is_outdoor = models.BooleanField(_("all'aperto"), default=True)
    capacity = models.PositiveIntegerField(_("utenti contemporanei"), default=50)
    coverage_m = models.PositiveIntegerField(_("raggio di copertura in metri"), default=75)

    class Meta:
        verbose_name, verbose_name_plural = _("punto di accesso"), _("punti di accesso")


class NetJsonKey(models.Model):
    """The key with which OpenWISP's agent on an access point posts by HTTP. Only its digest is kept."""

    device = models.OneToOneField(AccessPoint, models.CASCADE, primary_key=True, related_name="netjson_key")
    digest = models.BinaryField(max_length=32)
    """SHA-256 of the key, which has 256 random bits."""
    created_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.device}"


class NetJsonBoot(models.Model):
    """When an access point that posts by HTTP was started: it tells its uptime, not the name of its boot."""

    boot = models.UUIDField(primary_key=True)
    device = models.ForeignKey(AccessPoint, models.CASCADE, related_name="+")
    started_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["device", "started_at"], name="netjson_boot_by_time")]

    def __str__(self) -> str:
        return f"{self.device}: {self.started_at}"
