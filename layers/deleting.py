"""What goes with a layer: its files here, by signals, however it is deleted."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete
from django.dispatch import receiver

from layers.models import Layer
from layers.versions.models import RasterState
from layers.versions.raster_files import discard_after_commit


@receiver(post_delete, sender=RasterState)
def drop_state(instance: RasterState, **_named: Any) -> None:
    """The file of a past state goes with its row."""
    discard_after_commit([instance.path])


@receiver(post_delete, sender=Layer)
def drop_file(instance: Layer, **_named: Any) -> None:
    """And so does the file that the layer shows."""
    discard_after_commit([instance.raster_path])
