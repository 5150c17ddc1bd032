"""The inventory of access points."""

from django.contrib import admin

from geoportal.monitoring.admin import DeviceAdmin
from geoportal.monitoring.models import Device
from wifi.models import AccessPoint


@admin.register(AccessPoint)
class AccessPointAdmin(DeviceAdmin):
    kind = Device.Kind.ACCESS_POINT
    own_fields = ("ssid", "is_outdoor", "capacity", "coverage_m")
