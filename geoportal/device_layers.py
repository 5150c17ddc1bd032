"""Which published layer shows which kind of device: rights on a device are the rights on its kind's layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layers.audit import note
from layers.catalogue import catalogue
from layers.rights import Audience

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from geoportal.models import User

DEVICE_LAYERS = {"punti-accesso-wifi": "ap", "totem": "totem"}
"""Slug of the layer: `Device.Kind` value."""


def visible_kinds(audience: Audience) -> frozenset[str]:
    """The kinds of device that this audience may see."""
    return frozenset(
        DEVICE_LAYERS[entry.slug] for entry in catalogue().visible(audience) if entry.slug in DEVICE_LAYERS
    )


def note_devices_read(user: User | AnonymousUser, audience: Audience, door: str, devid: str = "") -> None:
    """Tell the register of reads that someone read the devices, where their layers are restricted."""
    for entry in catalogue().visible(audience):
        if entry.slug in DEVICE_LAYERS:
            note(user, audience, entry, door, item=devid)
