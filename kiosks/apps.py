from django.apps import AppConfig


class KiosksConfig(AppConfig):
    name = "kiosks"
    verbose_name = "Totem"

    def ready(self) -> None:
        from geoportal.messaging import kinds
        from geoportal.monitoring.health import register
        from geoportal.monitoring.models import Device
        from kiosks.health import RULES
        from kiosks.messages import TotemMetrics

        register(Device.Kind.TOTEM.value, RULES)
        kinds.register(Device.Kind.TOTEM.value, "kiosks_telemetry", TotemMetrics)
