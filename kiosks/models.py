"""Interactive totems."""

from django.contrib.gis.db import models
from django.utils.translation import gettext_lazy as _

from geoportal.monitoring.models import Device


class Totem(Device):
    """An interactive totem: what the inventory knows. What it reports stands in its status and telemetry."""

    model = models.CharField(_("modello"), max_length=80, blank=True)
    home_url = models.URLField(_("pagina iniziale"), blank=True)
    mount_height_mm = models.PositiveIntegerField(_("altezza dello schermo in mm"), null=True, blank=True)
    """Height of the topmost control; EN 301 549 §8.3 wants operable parts at 1220 mm or lower."""

    class Meta:
        verbose_name, verbose_name_plural = _("totem"), _("totem")
