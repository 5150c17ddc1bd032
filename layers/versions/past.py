"""A layer as it was: the same entry of the catalogue over the rows of another moment, for every door alike.

Attributes keep the rights of today. One that the layer has lost since keeps the rights it had when it went.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils import timezone
from psycopg2 import sql

from layers.catalogue import FieldEntry, LayerEntry, Past
from layers.database import rendered
from layers.errors import BadQuery
from layers.filters import parse_datetime
from layers.models import Layer, geodata_identifier
from layers.versions import rasters
from layers.versions.models import LayerGeneration
from layers.versions.recording import SQL

SCHEMA = "geodata_past"
BEFORE_ALL = 0
"""The number of no version: a layer before its first."""


def at(layer: LayerEntry, text: str) -> LayerEntry:
    """The layer as it was at the moment `datetime` names; an interval names its end. Raises BadQuery.

    A day is meant to its end, in the city's time. Layers whose features carry a time of their own, and those without a
    history, come back as they are: `datetime` means something else for the former, nothing for the latter.
    """
    if not text:
        return layer
    _start, end = parse_datetime(text)  # what is no time is refused for every layer
    if end is None or layer.time_field or layer.kind == "remote" or layer.is_live or layer.past:
        return layer
    with connection.cursor() as cursor:
        cursor.execute(SQL["at_moment"], {"layer": layer.id, "moment": _moment(end)})
        number, last, first, since = cursor.fetchone()
    if last is None or number == last:
        return layer
    if number is None and first > 1:
        raise BadQuery("datetime", f"the history of this layer begins at {since.isoformat()}; ask for then or later.")
    return at_version(layer, number or BEFORE_ALL)


@dataclass(frozen=True, slots=True)
class Times:
    """From when the versions of a layer hold; `every` is None where they are too many to name."""

    first: datetime
    last: datetime
    every: tuple[datetime, ...] | None


def times_of(layers: Iterable[LayerEntry], most: int) -> dict[int, Times]:
    """The times of the layers that `at` can show as they were, by the layers' numbers."""
    asked = [layer.id for layer in layers if not layer.time_field and not layer.is_live and layer.kind != "remote"]
    with connection.cursor() as cursor:
        cursor.execute(SQL["times"], {"layers": asked, "most": most})
        return {
            layer: Times(first, last, tuple(every) if every is not None else None)
            for layer, first, last, every in cursor.fetchall()
        }


def _moment(end: date) -> datetime:
    if isinstance(end, datetime):
        return end
    try:
        return timezone.make_aware(datetime.combine(end + timedelta(days=1), time.min)) - timedelta(microseconds=1)
    except OverflowError as error:
        raise BadQuery("datetime", f"{end}: this date is out of range.") from error


@lru_cache(maxsize=256)
def at_version(layer: LayerEntry, number: int) -> LayerEntry:
    """The layer as it was at one of its versions. Raises LookupError when it has no such version."""
    if layer.kind == "raster":
        return rasters.entry_at(layer, number)
    generations = LayerGeneration.objects.filter(layer_id=layer.id)
    if number == BEFORE_ALL:
        held = generations.order_by("first").first()
    else:
        held = generations.filter(versions__number=number).first()
    if held is None:
        raise LookupError(f"{layer.slug} has no version {number}")
    return _entry(layer, held, number)


def _entry(layer: LayerEntry, held: LayerGeneration, number: int) -> LayerEntry:
    store, here = held.store, table_at(held)
    names = [name for name, _type in columns_at(*here)]
    history = {name for name, _type in columns_at(SCHEMA, held.history_table)}
    columns = [name for name in names if name in history]
    geometry = str(store.get("geometry_field", layer.geometry_field))
    source = state_text(held, number, columns) if number else _nothing_text(here, columns)
    return replace(
        layer,
        id_field=held.id_field,
        geometry_field=geometry if geometry in columns else "",
        tile_geometry_field="",
        geometry_type=str(store.get("geometry_type", layer.geometry_type)),
        has_z=bool(store.get("has_z", layer.has_z)),
        srid=store.get("srid", layer.srid),
        fields=tuple(entry for entry in _fields(layer, held) if entry.name in columns),
        feature_count=None,
        # Where old features lie is not known, and the box of today must not cut them off.
        bbox=None,
        storage_bbox=None,
        # No version of the data as it is has a negative number: caches keep the two apart.
        data_version=-number - 1,
        is_editable=False,
        past=Past(source, here[0], here[1], number),
    )


def _fields(layer: LayerEntry, held: LayerGeneration) -> list[FieldEntry]:
    if held.is_current:
        return list(layer.fields)
    now = {entry.name: entry for entry in layer.fields}
    hidden = set(Layer.objects.get(pk=layer.id).fields.filter(is_visible=False).values_list("name", flat=True))
    found = []
    for was in held.fields:
        entry = now.get(was["name"])
        if entry is not None:
            found.append(replace(entry, type=was["type"]))
        elif was["name"] not in hidden and was["is_visible"]:
            found.append(_gone(layer, was))
    return found


def _gone(layer: LayerEntry, was: dict[str, Any]) -> FieldEntry:
    """An attribute that the layer has no more."""
    return FieldEntry(
        name=was["name"],
        type=was["type"],
        title_it=was["title_it"],
        title_en=was["title_en"] or was["title_it"],
        unit=was["unit"],
        is_filterable=was["is_filterable"],
        is_searchable=was["is_searchable"],
        access=was["access"],
        groups=layer.groups,
    )


def table_at(held: LayerGeneration) -> tuple[str, str]:
    """Schema and name of a generation's table."""
    return geodata_identifier(held.table_name) if held.is_current else (SCHEMA, held.table_name)


def columns_at(schema: str, table: str) -> list[tuple[str, str]]:
    """Names and types of a table's columns, in their order."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["columns"], {"schema": schema, "table": table})
        return [(str(name), str(kind)) for name, kind in cursor.fetchall()]


def state_text(held: LayerGeneration, number: int, columns: list[str]) -> str:
    """SQL text of a generation's rows at a version, in brackets, to select from."""
    return rendered(
        sql.SQL(SQL["state"]).format(
            columns=sql.SQL(", ").join([sql.Identifier("f", name) for name in columns]),
            table=sql.Identifier(*table_at(held)),
            history=sql.Identifier(SCHEMA, held.history_table),
            id=sql.Identifier(held.id_field),
            version=sql.Literal(int(number)),
        )
    )


def _nothing_text(here: tuple[str, str], columns: list[str]) -> str:
    names = sql.SQL(", ").join([sql.Identifier("f", name) for name in columns])
    return rendered(sql.SQL(SQL["nothing"]).format(columns=names, table=sql.Identifier(*here)))
