"""Devices are found by their names and places: their layers are indexed again when one is saved or removed."""

from __future__ import annotations

from typing import Any

from django.db import connection

from geoportal.device_layers import DEVICE_LAYERS
from geoportal.sql import queries


def index_devices(**_: Any) -> None:
    """A signal's receiver. One waiting job is enough for any number of devices."""
    with connection.cursor() as cursor:
        cursor.execute(queries("geoportal.find", "devices")["ask_for_devices"], {"slugs": list(DEVICE_LAYERS)})
