"""The inventory of totems."""

from django.contrib import admin

from geoportal.monitoring.admin import DeviceAdmin
from geoportal.monitoring.models import Device
from kiosks.models import Totem


@admin.register(Totem)
class TotemAdmin(DeviceAdmin):
    kind = Device.Kind.TOTEM
    own_fields = ("model", "home_url", "mount_height_mm")
