from django.apps import AppConfig, apps
from django.db.models.signals import post_delete, post_migrate, post_save
from django.utils.translation import gettext_lazy as _


class GeoportalConfig(AppConfig):
    name = "geoportal"
    verbose_name = _("Geoportale")

    def ready(self) -> None:
        from django.contrib.admin import site

        from geoportal.accounts.forms import AdminLoginForm
        from geoportal.devices.layers import refresh_extents, write_live_layers
        from geoportal.find.devices import index_devices

        site.login_form = AdminLoginForm
        site.site_header = site.site_title = _("Amministrazione del geoportale")
        site.index_title = _("Che cosa si amministra")
        post_migrate.connect(write_live_layers, sender=self, dispatch_uid="live layers")
        for name in ("wifi.AccessPoint", "kiosks.Totem", "monitoring.DeviceStatus"):
            for signal in (post_save, post_delete):
                signal.connect(refresh_extents, sender=apps.get_model(name), dispatch_uid=f"extent of {name}")
        for name in ("wifi.AccessPoint", "kiosks.Totem", "monitoring.Device"):
            for signal in (post_save, post_delete):
                signal.connect(index_devices, sender=apps.get_model(name), dispatch_uid=f"search of {name}")
