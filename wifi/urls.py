"""Addresses of the Wi-Fi's own interface."""

from django.urls import path

from wifi.netjson.views import device_monitoring

urlpatterns = [path("v1/monitoring/device/<str:devid>/", device_monitoring, name="netjson")]
