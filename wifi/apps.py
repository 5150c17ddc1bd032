from django.apps import AppConfig


class WifiConfig(AppConfig):
    name = "wifi"
    verbose_name = "Wi-Fi pubblico"

    def ready(self) -> None:
        from wifi import kind

        kind.register()
