from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LayersConfig(AppConfig):
    name = "layers"
    verbose_name = _("Catalogo dei livelli")

    def ready(self) -> None:
        import_module("layers.deleting")  # its signals
