"""How often the broker turned someone away."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class BrokerRefusal(models.Model):
    """Connections that the broker refused within one hour, from one address; empty: the address is not known."""

    hour = models.DateTimeField()
    address = models.CharField(max_length=64, blank=True)
    count = models.PositiveIntegerField()

    class Meta:
        app_label = "monitoring"
        verbose_name, verbose_name_plural = _("accesso rifiutato"), _("accessi rifiutati")
        ordering = ["-hour", "-count"]
        constraints = [models.UniqueConstraint(fields=["hour", "address"], name="one_count_per_hour_and_address")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.address}: {self.count}"
