from django.apps import AppConfig


class KiosksConfig(AppConfig):
    name = "kiosks"
    verbose_name = "Totem"

    def ready(self) -> None:
        from kiosks import kind

        kind.register()
