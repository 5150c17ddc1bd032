from django.apps import AppConfig


class KiosksConfig(AppConfig):
    name = "kiosks"
    verbose_name = "Totem"

    def ready(self) -> None:
        from geoportal.monitoring.health import register
        from geoportal.monitoring.models import Device
        from kiosks.health import RULES

        register(Device.Kind.TOTEM.value, RULES)
