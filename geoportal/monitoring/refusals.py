"""How often the broker turned someone away, at its door or at a topic."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from geoportal.messaging.broker_log import PUBLISH, SUBSCRIBE


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


class BrokerDenial(models.Model):
    """Publications or subscriptions on one topic that the broker denied a client within one hour.

    Client and topic are empty where there were too many different ones.
    """

    class Action(models.TextChoices):
        PUBLISH = PUBLISH, _("pubblicazione")
        SUBSCRIBE = SUBSCRIBE, _("sottoscrizione")

    hour = models.DateTimeField()
    client = models.CharField(max_length=64, blank=True)
    action = models.CharField(max_length=16, choices=Action)
    topic = models.CharField(max_length=200, blank=True)
    count = models.PositiveIntegerField()

    class Meta:
        app_label = "monitoring"
        verbose_name, verbose_name_plural = _("argomento negato"), _("argomenti negati")
        ordering = ["-hour", "-count"]
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "client", "action", "topic"], name="one_count_per_hour_client_and_topic"
            )
        ]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H} {self.client}, {self.action} {self.topic}: {self.count}"
