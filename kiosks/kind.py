"""Totems as a kind of device. No model here: ingest runs without Django's apps."""

from geoportal.messaging import kinds
from geoportal.monitoring import health
from kiosks.health import RULES
from kiosks.messages import TotemMetrics

CODE = "totem"
"""`Device.kind` of them."""


def register() -> None:
    """Tell those who write and those who judge."""
    health.register(CODE, RULES)
    kinds.register(CODE, "kiosks_telemetry", TotemMetrics)
