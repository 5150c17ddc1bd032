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
