from django.apps import AppConfig


class WifiConfig(AppConfig):
    name = "wifi"
    verbose_name = "Wi-Fi pubblico"

    def ready(self) -> None:
        from geoportal.messaging import kinds
        from geoportal.monitoring.health import register
        from geoportal.monitoring.models import Device
        from wifi.health import RULES
        from wifi.messages import AccessPointMetrics

        register(Device.Kind.ACCESS_POINT.value, RULES)
        kinds.register(Device.Kind.ACCESS_POINT.value, "wifi_telemetry", AccessPointMetrics)
