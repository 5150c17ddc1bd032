"""Which published layer shows which kind of device: rights on a device are the rights on its kind's layer."""

from layers.catalogue import catalogue
from layers.rights import Audience

DEVICE_LAYERS = {"punti-accesso-wifi": "ap", "totem": "totem"}
"""Slug of the layer: `Device.Kind` value."""


def visible_kinds(audience: Audience) -> frozenset[str]:
    """The kinds of device that this audience may see."""
    return frozenset(
        DEVICE_LAYERS[entry.slug] for entry in catalogue().visible(audience) if entry.slug in DEVICE_LAYERS
    )
