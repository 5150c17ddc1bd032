"""How far back the history of layers is kept: for ever, unless the installation or a layer says otherwise."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from psycopg2 import sql

from geoportal.sql import queries
from layers.jobs.models import Job
from layers.jobs.services import enqueue
from layers.models import Layer
from layers.versions import raster_files, rasters
from layers.versions.models import LayerGeneration, LayerVersion
from layers.versions.past import SCHEMA

SQL = queries("layers.versions", "retention")
KIND = "history"
_LOOK_S = 600.0
_PAUSE_S = 86_400

_next_look = 0.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What there is of the past of layers."""

    versions: int
    since: datetime | None
    tables: int
    files: int
    """Of rasters, beside those they show today."""
    bytes: int


def days_of(layer: Layer) -> int:
    """For how many days the past states of a layer are kept; 0: for ever."""
    return settings.HISTORY_DAYS if layer.history_days is None else layer.history_days


def kept(layers: Sequence[int]) -> Kept:
    """What a deletion of these layers would take with them."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["kept"], {"layers": list(layers)})
        return Kept(*cursor.fetchone())


def prunable() -> list[tuple[int, int]]:
    """The layers that have more past than is kept, each with the first version that stays."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["prunable"], {"days": settings.HISTORY_DAYS})
        return [(int(layer), int(stays)) for layer, stays in cursor.fetchall()]


def queue_due() -> None:
    """Once a day, where there is something to let go or to sweep."""
    global _next_look
    if time.monotonic() < _next_look:
        return
    _next_look = time.monotonic() + _LOOK_S
    since = timezone.now() - timedelta(seconds=_PAUSE_S)
    if Job.objects.filter(kind=KIND, created_at__gt=since).exists():
        return
    if prunable() or raster_files.left_over():
        enqueue(KIND, {})


def forget_before(layer_id: int, stays: int) -> int:
    """Let go of every state of a layer before one of its versions, whole. Returns how many versions went.

    Tables and files that no version is left in go with their rows (migration 0018, `layers.deleting`).
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL["lock"], {"layer": layer_id})
        old = LayerVersion.objects.filter(layer_id=layer_id, number__lt=stays)
        if not LayerVersion.objects.filter(layer_id=layer_id, number=stays).exists():
            return 0
        held = LayerGeneration.objects.filter(layer_id=layer_id, versions__number=stays).first()
        count = old.count()
        old.delete()
        if held is None:
            rasters.forget_states(layer_id)
            return count
        LayerGeneration.objects.filter(layer_id=layer_id, first__lt=held.first).delete()
        history = sql.Identifier(SCHEMA, held.history_table)
        cursor.execute(sql.SQL(SQL["forget_rows"]).format(history=history), {"stays": stays})
        # What a row was before it first changed held from here on.
        held.first = stays
        held.save(update_fields=["first"])
    return count
