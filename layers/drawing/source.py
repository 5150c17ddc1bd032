"""A layer's table as Mapnik reads it: one subquery, with the classes of the style told apart by the database."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from django.db import connection
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.columns import text_of
from layers.crs import epsg
from layers.database import STATEMENT_TIMEOUT_MS, table_of
from layers.drawing.engine import mapnik
from layers.drawing.view import METRES_PER_DEGREE, Bounds, View, bounds_between
from layers.filters import column
from layers.styles.expressions import as_text
from layers.styles.model import Class, StyleSpec
from layers.styles.reduced import classed

BUFFER_PX = 64
"""How far outside the picture features are read, so that marks and lines at its edge are whole."""
FEATURE_CAP = 200_000
SOURCES_PER_THREAD = 100
COARSE_CELL_M = 6.0
"""With more ground than this on a pixel, what is smaller than a quarter of a pixel is left out."""


class _Held(threading.local):
    def __init__(self) -> None:
        self.sources: OrderedDict[Hashable, Any] = OrderedDict()


_held = _Held()


def datasource(layer: LayerEntry, style: StyleSpec, view: View) -> Any:
    """Mapnik's view of a layer's table, kept by this thread: making one opens a connection and asks for the columns."""
    key = layer.id, layer.table_name, layer.data_version, style, view.crs.srid, view.cell_m > COARSE_CELL_M
    held = _held.sources.get(key)
    if held is None:
        held = _held.sources[key] = mapnik().PostGIS(
            **_connection(),
            table=subquery(layer, style, view),
            geometry_field="geom",
            srid=view.crs.srid,
            # Never asked: what a picture can show is decided before.
            extent="-1e12,-1e12,1e12,1e12",
            estimate_extent=False,
            cursor_size=0,
            max_size=4,
            connect_timeout=4,
        )
        while len(_held.sources) > SOURCES_PER_THREAD:
            _held.sources.popitem(last=False)
    _held.sources.move_to_end(key)
    return held


def forget_sources() -> None:
    """Drop what was kept, after the database was away."""
    _held.sources.clear()


def variables(layer: LayerEntry, view: View) -> dict[str, str] | None:
    """What the statement of a layer names of the picture; None when the two cannot meet. Numbers as text."""
    srid = _geometry_srid(layer, view)
    box = search_box(layer, view.grown(BUFFER_PX), srid)
    if box is None:
        return None
    cell = view.cell_m / METRES_PER_DEGREE if srid == 4326 else view.cell if srid == view.crs.srid else view.cell_m
    numbers = dict(zip(("west", "south", "east", "north", "cell"), (*box, cell), strict=True))
    return {f"{name}{srid}": repr(float(number)) for name, number in numbers.items()}


def _geometry_srid(layer: LayerEntry, view: View) -> int:
    return 3857 if view.crs.srid == 3857 and layer.tile_geometry_field else layer.srid or 4326


def _connection() -> dict[str, Any]:
    """Where the database is, as libpq takes it. A drawing that takes too long is given up by the database."""
    held = connection.settings_dict
    options = f"'-c statement_timeout={STATEMENT_TIMEOUT_MS} -c default_transaction_read_only=on'"
    found = {
        # libpq reads the rest of this text as further keywords.
        "dbname": f"{held['NAME']} application_name='geoportal maps' options={options}",
        "host": held["HOST"],
        "port": str(held["PORT"]),
        "user": held["USER"],
        "password": held["PASSWORD"],
    }
    return {name: value for name, value in found.items() if value}


def subquery(layer: LayerEntry, style: StyleSpec, view: View) -> str:
    """The text of the subquery, the same for every picture of this CRS and this side of `COARSE_CELL_M`.

    Holds no value of a request; `variables` gives what Mapnik puts in the place of its marks.
    """
    style = classed(style)
    srid = _geometry_srid(layer, view)
    stored = layer.tile_geometry_field if view.crs.srid == 3857 else ""
    geometry = column(stored or layer.geometry_field)
    is_point = "POINT" in layer.geometry_type.upper()
    coarse = view.cell_m > COARSE_CELL_M
    cell = sql.SQL(f"(!@cell{srid}!)::float8")
    corners = ", ".join(f"(!@{side}{srid}!)::float8" for side in ("west", "south", "east", "north"))
    named = {"g": geometry, "cell": cell, "envelope": sql.SQL(f"ST_MakeEnvelope({corners}, {srid})")}
    size = sql.SQL("greatest(ST_XMax({g}) - ST_XMin({g}), ST_YMax({g}) - ST_YMin({g}))").format(**named)
    nothing = sql.SQL("")
    shapes, points = coarse and not is_point, coarse and is_point
    statement = sql.SQL(queries("layers", "drawing")["drawn"]).format(
        shape=_shape(layer, view, srid, stored, cell if shapes else None),
        label=text_of(layer, style.label.field) if style.label else sql.SQL("NULL::text"),
        distinct=sql.SQL("DISTINCT ON (ST_SnapToGrid({g}, {cell} / 2))").format(**named) if points else nothing,
        table=table_of(layer),
        search=sql.SQL("{g} && {envelope}").format(**named),
        size_test=sql.SQL("AND {size} > {cell} / 4").format(size=size, **named) if shapes else nothing,
        thinning=sql.SQL("ORDER BY {size} DESC").format(size=size) if shapes else nothing,
        cap=sql.Literal(FEATURE_CAP),
        **{"class": _class(layer, style)},
    )
    connection.ensure_connection()
    text: str = statement.as_string(connection.connection)
    return text


def search_box(layer: LayerEntry, view: View, srid: int) -> Bounds | None:
    """The part of the picture where the layer can be, in the CRS of its geometry."""
    if srid == view.crs.srid:
        return view.box
    degrees = view.degrees
    areas = [epsg(srid).area, *([layer.bbox] if layer.bbox else [])]
    # Wider than the area of use by a degree: surveys end a little outside.
    west, south = min(area[0] for area in areas) - 1, max(min(area[1] for area in areas) - 1, -89.9)
    east, north = max(area[2] for area in areas) + 1, min(max(area[3] for area in areas) + 1, 89.9)
    if degrees is None:
        # A box so large that it has no corners on the globe shows whatever there is.
        degrees = west, south, east, north
    part = max(west, degrees[0]), max(south, degrees[1]), min(east, degrees[2]), min(north, degrees[3])
    if part[0] >= part[2] or part[1] >= part[3]:
        return None
    return bounds_between(4326, srid, part)


def _shape(layer: LayerEntry, view: View, srid: int, stored: str, cell: sql.Composable | None) -> sql.Composable:
    shape: sql.Composable = column(stored or layer.geometry_field)
    if cell is not None:
        shape = sql.SQL("ST_Simplify({}, {} / 4, true)").format(shape, cell)
    if srid != view.crs.srid:
        shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(view.crs.srid))
    return shape


def _class(layer: LayerEntry, style: StyleSpec) -> sql.Composable:
    """The number of a row's class by the rules of `layers.styles.expressions`; -1 for none."""
    if style.kind == "single":
        return sql.SQL("-1")
    last = len(style.classes) - 1
    cases = [
        sql.SQL("WHEN {} THEN {}").format(
            _is_value(layer, style.field, entry)
            if style.kind == "categorised"
            else _is_within(style.field, entry, closed=number == last),
            sql.Literal(number),
        )
        for number, entry in enumerate(style.classes)
    ]
    return sql.SQL("CASE {} ELSE -1 END").format(sql.SQL(" ").join(cases))


def _is_value(layer: LayerEntry, field: str, entry: Class) -> sql.Composable:
    return sql.SQL("coalesce({}, '') = {}").format(text_of(layer, field), literal(as_text(entry.value)))


def _is_within(field: str, entry: Class, *, closed: bool) -> sql.Composable:
    name = column(field)
    parts = [sql.SQL("{} IS NOT NULL").format(name)]
    if entry.minimum is not None:
        parts.append(sql.SQL("{} >= {}").format(name, sql.Literal(entry.minimum)))
    if entry.maximum is not None:
        form = "{} <= {}" if closed else "{} < {}"
        parts.append(sql.SQL(form).format(name, sql.Literal(entry.maximum)))
    return sql.SQL(" AND ").join(parts)


def literal(text: str) -> sql.Composable:
    """A text in which nothing but letters and digits stands as itself.

    Mapnik looks for its own marks (!bbox!, !@name!) in the whole statement, also inside quotes.
    """
    plain = (char if char.isascii() and char.isalnum() else f"\\+{ord(char):06X}" for char in text if char != "\x00")
    return sql.SQL("U&'{}'").format(sql.SQL("".join(plain)))
