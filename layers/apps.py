from importlib import import_module

from django.apps import AppConfig


class LayersConfig(AppConfig):
    name = "layers"
    verbose_name = "Catalogo dei livelli"

    def ready(self) -> None:
        import_module("layers.deleting")  # its signals
