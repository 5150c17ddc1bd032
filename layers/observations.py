"""Measures taken at the places of a live layer, as the database publishes them: a view beside the layer's own.

The view is called as the layer's table with `_misure` after it and has fid, devid, geom, ts; every other column with a
comment "title in Italian|title in English|unit|access" is a parameter. Nothing else of it is ever handed out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.database import read_row, table_of
from layers.errors import BadQuery
from layers.filters import Bounds
from layers.models import geodata_identifier
from layers.rights import Audience, Guarded, may_see

SQL = queries("layers", "observations")
ROWS_MAX = 20_000
ROLLED = ("_1h", "_1d")
"""Ends of the names of views that hold means over an hour and a day: read when the measures themselves are too many."""
NEAR_M = 100.0
"""How far from a place its measures still speak for a position."""
UNTOLD = timedelta(days=1)
"""What is handed out when no time is asked for: up to now."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One measured quantity."""

    name: str
    title_it: str
    title_en: str
    unit: str
    access: str
    groups: frozenset[str] = frozenset()
    within: tuple[Guarded, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Measures of one place in time order: instants as RFC 3339, values by parameter, None where not measured."""

    id: str
    x: float
    y: float
    times: list[str]
    values: dict[str, list[Any]]


def parameters(layer: LayerEntry, audience: Audience) -> dict[str, Parameter]:
    """What an audience may see measured at a layer's places, by name; nothing for a layer without measures."""
    if not layer.is_live or not layer.table_name:
        return {}
    return {one.name: one for one in _published(layer.table_name, layer.data_version) if may_see(audience, one)}


@lru_cache(maxsize=256)
def _published(table: str, _data_version: int) -> tuple[Parameter, ...]:
    schema, _name = geodata_identifier(table)
    (rows,) = read_row(sql.SQL(SQL["parameters"]), {"view": f'"{schema}"."{table}_misure"'})
    made = []
    for name, comment in rows or []:
        title_it, title_en, unit, access = comment.split("|")
        made.append(Parameter(name, title_it, title_en, unit, access))
    return tuple(made)


def places(layer: LayerEntry, boxes: Sequence[Bounds], limit: int) -> tuple[bytes, int, int]:
    """GeoJSON features of the places, separated by commas; how many they are, and how many match.

    `boxes` in degrees: places within any of them; none: every place.
    """
    where = sql.SQL(" OR ").join([sql.SQL(SQL["in_box"]).format(*map(sql.Literal, box)) for box in boxes])
    statement = sql.SQL(SQL["places"]).format(places=table_of(layer), where=where if boxes else sql.SQL("TRUE"))
    text, returned, matched = read_row(statement, {"limit": limit}, text_as_bytes=True)
    return bytes(text), returned, matched


def span(start: datetime | None, stop: datetime | None) -> tuple[datetime, datetime]:
    """An interval with closed ends: the last day unless told."""
    if start is None and stop is None:
        now = datetime.now(UTC)
        return now - UNTOLD, now
    return start or datetime(1970, 1, 1, tzinfo=UTC), stop or datetime.now(UTC)


def at_place(layer: LayerEntry, names: list[str], id: str, when: tuple[datetime, datetime]) -> list[Series]:
    """The series of one place."""
    return _series(layer, names, when, sql.SQL("f.devid = %(id)s"), {"id": id})


def at_position(
    layer: LayerEntry, names: list[str], point: tuple[float, float], when: tuple[datetime, datetime]
) -> list[Series]:
    """The series of the place nearest to a position in degrees, if it is near."""
    values = {"x": point[0], "y": point[1], "metres": NEAR_M}
    nearest = sql.SQL(SQL["nearest_first"])
    return _series(layer, names, when, sql.SQL(SQL["within_m"]), values, nearest)


def in_area(layer: LayerEntry, names: list[str], area: str, when: tuple[datetime, datetime]) -> list[Series]:
    """The series of every place in an area: a POLYGON or MULTIPOLYGON as WKT in degrees."""
    return _series(layer, names, when, sql.SQL(SQL["inside"]), {"area": area})


def _series(
    layer: LayerEntry,
    names: list[str],
    when: tuple[datetime, datetime],
    where: sql.Composable,
    values: dict[str, Any],
    nearest: sql.Composable | None = None,
) -> list[Series]:
    if not names:
        return []
    schema, table = geodata_identifier(layer.table_name)
    columns = [sql.Identifier(name) for name in names]
    arrays = [
        sql.SQL("{}, json_agg({} ORDER BY ts)").format(sql.Literal(name), column)
        for name, column in zip(names, columns, strict=True)
    ]
    for view in _views(f"{table}_misure", schema):
        statement = sql.SQL(SQL["series"]).format(
            places=table_of(layer),
            measures=sql.Identifier(schema, view),
            where=where,
            nearest=nearest or sql.SQL(""),
            columns=sql.SQL(", ").join(columns),
            arrays=sql.SQL(", ").join(arrays),
        )
        read, text = read_row(statement, values | {"start": when[0], "stop": when[1], "cap": ROWS_MAX})
        if read <= ROWS_MAX and (read or not view.endswith(ROLLED)):
            return [Series(one["id"], one["x"], one["y"], one["t"], one["values"]) for one in json.loads(text)]
    raise BadQuery("datetime", f"more than {ROWS_MAX} measures; ask for a shorter time or a smaller area.")


def _views(measures: str, schema: str) -> Iterator[str]:
    """The view of the measures, and those of their means where the database has them, asked for one after the other."""
    yield measures
    for suffix in ROLLED:
        (found,) = read_row(sql.SQL(SQL["view"]), {"view": f'"{schema}"."{measures}{suffix}"'})
        if found:
            yield f"{measures}{suffix}"
