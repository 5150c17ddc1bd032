from django.apps import AppConfig


class WifiConfig(AppConfig):
    name = "wifi"
    verbose_name = "Wi-Fi pubblico"

    def ready(self) -> None:
        from geoportal.monitoring.health import register
        from geoportal.monitoring.models import Device
        from wifi.health import RULES

        register(Device.Kind.ACCESS_POINT.value, RULES)
