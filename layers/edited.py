"""What a written feature changes in the catalogue: count and extent of its layer, and the history of who did it.

All of it happens in the transaction of the write. The trigger of the data table has locked the layer's row by then, so
that two writers count one after the other.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import F
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.database import table_of
from layers.drawing.view import bounds_between
from layers.filters import column
from layers.models import Layer
from layers.statistics import refresh_statistics

if TYPE_CHECKING:
    from geoportal.models import User

Box = tuple[float, float, float, float]
_VERBS = {ADDITION: "added", CHANGE: "changed", DELETION: "deleted"}


def box_of(layer: LayerEntry, identifier: str) -> Box | None:
    """The extent of a feature in the CRS of its table; None without a geometry."""
    if not layer.geometry_field:
        return None
    statement = sql.SQL(queries("layers", "editing")["box"]).format(
        geometry=column(layer.geometry_field), table=table_of(layer), id=column(layer.id_field)
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"identifier": identifier})
        row = cursor.fetchone()
    return None if row is None or row[0] is None else (row[0], row[1], row[2], row[3])


def count_and_extend(layer: LayerEntry, change: int, before: Box | None, now: Box | None) -> None:
    """Bring count and extent up to date after one feature was written.

    The extent only has to be measured again when the feature lay at its edge and has left it.
    """
    held = Layer.objects.get(pk=layer.id)
    extent: Box | None = tuple(held.storage_bbox) if held.storage_bbox else None  # type: ignore[assignment]
    has_left_the_edge = before is not None and before != now and extent is not None and _at_edge(before, extent)
    if held.feature_count is None or (layer.geometry_field and extent is None) or has_left_the_edge:
        refresh_statistics(held)
        return
    changes: dict[str, Any] = {}
    if change:
        changes["feature_count"] = F("feature_count") + change
    if now is not None and extent is not None and _joined(now, extent) != extent:
        grown = _joined(now, extent)
        degrees = bounds_between(layer.srid or 4326, 4326, grown)
        changes |= {"storage_bbox": list(grown), "bbox": list(degrees) if degrees else held.bbox}
    if changes:
        Layer.objects.filter(pk=layer.id).update(**changes)


def remember(user: User, layer: LayerEntry, identifier: str, flag: int, fields: list[str]) -> None:
    """A line in the layer's history: who wrote which feature through the services, and which attributes."""
    what: dict[str, Any] = {"name": "elemento", "object": identifier[:200]}
    if flag == CHANGE:
        what["fields"] = fields
    LogEntry.objects.create(
        user_id=user.pk,
        content_type_id=ContentType.objects.get_for_model(Layer).pk,
        object_id=str(layer.id),
        object_repr=layer.title_it[:200],
        action_flag=CHANGE,
        change_message=json.dumps([{_VERBS[flag]: what}], ensure_ascii=False),
    )


def _at_edge(box: Box, extent: Box) -> bool:
    return box[0] <= extent[0] or box[1] <= extent[1] or box[2] >= extent[2] or box[3] >= extent[3]


def _joined(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
