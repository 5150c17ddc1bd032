"""Access points as a kind of device. No model here: ingest runs without Django's apps."""

from geoportal.messaging import kinds
from geoportal.monitoring import health
from wifi.health import RULES
from wifi.messages import AccessPointMetrics

CODE = "ap"
"""`Device.kind` of them."""


def register() -> None:
    """Tell those who write and those who judge."""
    health.register(CODE, RULES)
    kinds.register(CODE, "wifi_telemetry", AccessPointMetrics)
