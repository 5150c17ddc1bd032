"""What is at a place: features of every layer the asker may see, and the nearest address, in two statements."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import Catalogue, LayerEntry
from layers.columns import column_types
from layers.crs import epsg
from layers.database import table_of
from layers.errors import SourceAway
from layers.filters import column
from layers.models import Field
from layers.rights import Audience
from layers.search.scopes import role_of, scopes_for
from layers.sources.gate import read

SQL = queries("layers.search", "find")
REACH_M = 8.0
"""Points and lines this near count as being here."""
_DEGREES_PER_M = 1 / 111_320
_LAYERS_MOST = 200


@dataclass(frozen=True, slots=True)
class Address:
    """The nearest house number, and how far it is in metres."""

    layer: LayerEntry
    item: str
    title: str
    lon: float
    lat: float
    distance_m: float


@dataclass(frozen=True, slots=True)
class Here:
    """A feature at the place. `title` is empty where the layer has no name to give."""

    layer: LayerEntry
    item: str
    title: str


def nearest_address(held: Catalogue, audience: Audience, lon: float, lat: float) -> Address | None:
    """The house number nearest to a place in OGC:CRS84 degrees."""
    scopes = scopes_for(held, audience)
    with connection.cursor() as cursor:
        cursor.execute(SQL["nearest_address"], {"scopes": list(scopes), "lon": lon, "lat": lat})
        row = cursor.fetchone()
    if row is None:
        return None
    by_id = {layer.id: layer for layer in scopes.values()}
    return Address(by_id[row[0]], row[1], row[2], row[3], row[4], round(row[5], 1))


def features_at(held: Catalogue, audience: Audience, lon: float, lat: float) -> list[Here]:
    """At most five features of each layer at a place in OGC:CRS84 degrees, in the catalogue's order."""
    layers = [layer for layer in held.visible(audience) if _can_be_asked(layer, lon, lat)][:_LAYERS_MOST]
    rows = _asked([_one(layer, audience, lon, lat) for layer in layers if layer.source is None])
    for layer in layers:
        if layer.source is not None:
            rows += _asked_elsewhere(layer, audience, lon, lat)
    by_id = {layer.id: layer for layer in layers}
    order = {layer.id: place for place, layer in enumerate(layers)}
    return [Here(by_id[row[0]], row[1], row[2] or "") for row in sorted(rows, key=lambda row: order[row[0]])]


def _asked(parts: list[sql.Composed]) -> list[tuple[int, str, str | None]]:
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("\nUNION ALL\n").join(parts))
        return list(cursor.fetchall())


def _asked_elsewhere(
    layer: LayerEntry, audience: Audience, lon: float, lat: float
) -> list[tuple[int, str, str | None]]:
    """What a layer of another office's server has here: nothing while that one does not answer."""
    try:
        return read(layer, lambda: _asked([_one(layer, audience, lon, lat)]))
    except SourceAway:
        return []


def _can_be_asked(layer: LayerEntry, lon: float, lat: float) -> bool:
    if layer.kind != "vector" or not layer.geometry_field or not layer.srid:
        return False
    if layer.bbox and not layer.is_live:
        west, south, east, north = layer.bbox
        margin = REACH_M * _DEGREES_PER_M * 2
        if not (west - margin <= lon <= east + margin and south - margin <= lat <= north + margin):
            return False
    return layer.geometry_field in column_types(layer)


def _one(layer: LayerEntry, audience: Audience, lon: float, lat: float) -> sql.Composed:
    is_area = layer.geometry_type.upper().startswith(("POLYGON", "MULTIPOLYGON"))
    reach = 0.0 if is_area else REACH_M * (_DEGREES_PER_M if epsg(layer.srid or 4326).is_geographic else 1)
    here = sql.SQL("ST_SetSRID(ST_MakePoint({}, {}), 4326)").format(sql.Literal(lon), sql.Literal(lat))
    if layer.srid != 4326:
        here = sql.SQL("ST_Transform({}, {})").format(here, sql.Literal(layer.srid))
    place = sql.SQL("(SELECT {here} AS here, ST_Expand({here}, {reach}) AS search, {reach} AS reach)").format(
        here=here, reach=sql.Literal(reach)
    )
    return sql.SQL(SQL["here_one"]).format(
        layer_id=sql.Literal(layer.id),
        id=sql.Identifier(layer.id_field),
        label=label_of(layer, audience),
        table=table_of(layer),
        place=place,
        geometry=sql.Identifier(layer.geometry_field),
    )


def label_of(layer: LayerEntry, audience: Audience) -> sql.Composable:
    """The name of a feature as far as the asker may see it."""
    roles = {role_of(entry): entry for entry in reversed(layer.visible_fields(audience))}
    street, number = roles.get(Field.SearchRole.STREET), roles.get(Field.SearchRole.NUMBER)
    sheet, parcel = roles.get(Field.SearchRole.SHEET), roles.get(Field.SearchRole.PARCEL)
    name = roles.get(Field.SearchRole.NAME)
    if name is not None:
        return sql.SQL("{}::text").format(column(name.name))
    if street is not None:
        parts = [entry.name for entry in (street, number) if entry is not None]
        return sql.SQL("concat_ws(', ', {})").format(sql.SQL(", ").join(map(column, parts)))
    if sheet is not None and parcel is not None:
        return sql.SQL("concat({}, '/', {})").format(column(sheet.name), column(parcel.name))
    shown = next((entry for entry in layer.visible_fields(audience) if entry.is_searchable), None)
    return sql.SQL("{}::text").format(column(shown.name)) if shown is not None else sql.SQL("NULL::text")
