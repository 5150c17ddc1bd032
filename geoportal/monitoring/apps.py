from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "geoportal.monitoring"
    label = "monitoring"
    verbose_name = "Monitoraggio dei dispositivi"
