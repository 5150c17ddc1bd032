"""Addresses of commands for scripts and devices."""

from django.urls import path

from geoportal.commands import api, pictures
from geoportal.commands.enrol import enrol

urlpatterns = [
    path("enrol", enrol, name="api-enrol"),
    path("dispositivi/<str:devid>/comandi", api.device_commands, name="api-device-commands"),
    path("comandi/<uuid:id>", api.one_command, name="api-command"),
    path("schermate/<uuid:id>", pictures.picture, name="api-picture"),
]
