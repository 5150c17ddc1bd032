"""Addresses of the devices' interface."""

from django.urls import path

from geoportal.devices import views

urlpatterns = [
    path("dispositivi", views.devices, name="devices"),
    path("dispositivi/<str:devid>", views.device, name="device"),
    path("dispositivi/<str:devid>/serie", views.device_series, name="device-series"),
]
