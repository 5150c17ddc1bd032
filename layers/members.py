"""Features of a layer as GML or GeoJSON text, counted and skipped by number as WFS asks; made by PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.crs import Crs
from layers.database import read_row, table_of
from layers.filters import Whitelist, column
from layers.items import ItemsQuery, conditions, feature_text, selected
from layers.models import Field
from layers.rights import Audience

SQL = queries("layers", "members")
GEOMETRY = "geometry"
_TEXTS = frozenset({Field.Type.STRING.value, Field.Type.JSON.value})


@dataclass(frozen=True, slots=True)
class Members:
    """Features as text, how many they are and, when counted, how many match."""

    text: bytes
    returned: int
    matched: int | None


def members(
    layer: LayerEntry,
    audience: Audience,
    query: ItemsQuery,
    *,
    form: str,
    type_name: str,
    ids: tuple[str, ...] = (),
    counted: bool = False,
) -> Members:
    """Features as "gml" (wfs:member elements) or "json" (separated by commas). Raises BadQuery and QueryTooSlow."""
    allowed = Whitelist.of(layer, audience)
    clause = conditions(allowed, query)
    if ids:
        held = clause.value(list(ids))
        clause.parts.append(sql.SQL("{}::text = ANY({})").format(column(layer.id_field), held))
    names = selected(allowed, query.properties)
    if form == "gml":
        member = _gml(layer, allowed, names, query.crs, type_name)
    else:
        member = feature_text(layer, tuple(names), query.crs, skip_geometry=False)
    statement = sql.SQL(SQL["members"]).format(
        table=table_of(layer),
        where=clause.sql,
        id=column(layer.id_field),
        member=member,
        separator=sql.Literal("\n" if form == "gml" else ","),
    )
    own = {"limit": query.limit, "offset": query.offset, "counted": counted}
    text, returned, matched = read_row(statement, clause.params | own, text_as_bytes=True)
    return Members(bytes(text or b""), int(returned), None if matched is None else int(matched))


def _gml(layer: LayerEntry, allowed: Whitelist, names: Any, crs: Crs, type_name: str) -> sql.Composable:
    gml_id = sql.SQL("{} || {}::text").format(sql.Literal(f"{type_name}."), column(layer.id_field))
    parts: list[sql.Composable] = []
    if layer.geometry_field:
        shape: sql.Composable = column(layer.geometry_field)
        if (layer.srid or 4326) != crs.srid:
            shape = sql.SQL("ST_Transform({}, {})").format(shape, sql.Literal(crs.srid))
        parts.append(
            sql.SQL(SQL["gml_geometry"]).format(
                name=sql.Identifier(f"cr:{GEOMETRY}"),
                geometry=shape,
                digits=sql.Literal(crs.digits),
                options=sql.Literal(1 + 4 + (16 if crs.north_first else 0)),
                gml_id=gml_id,
            )
        )
    for name in names:
        form = "gml_text" if allowed.fields[name].type in _TEXTS else "gml_attribute"
        parts.append(sql.SQL(SQL[form]).format(name=sql.Identifier(f"cr:{name}"), column=column(name)))
    return sql.SQL(SQL["gml_member"]).format(
        type=sql.Identifier(f"cr:{type_name}"), gml_id=gml_id, properties=sql.SQL(", ").join(parts or [sql.SQL("NULL")])
    )
