"""What the entries of a scope are made of: streets with their numbers, sheets with their parcels, features.

Each part knows the unit it can be made again by: all entries of a street, of a sheet, or of a feature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from psycopg2 import sql

from geoportal.sql import queries
from layers.catalogue import LayerEntry
from layers.columns import column_types
from layers.filters import column
from layers.models import Field
from layers.search.scopes import Scope, role_of

SQL = queries("layers.search", "index")
Role = Field.SearchRole
_STRUCTURED = {Role.STREET, Role.NUMBER, Role.EXPONENT, Role.SHEET, Role.PARCEL, Role.REFERENCE}
EMPTY = sql.SQL("''")
_WHOLE = {"smallint", "integer", "bigint"}


@dataclass(frozen=True, slots=True)
class Part:
    """One statement that fills entries, from the layer's table or from some of its rows."""

    statement: Callable[[sql.Composable], sql.Composable]
    unit: sql.Composable
    """Of a row `f`, as text: what the entries below are told by."""
    entries: sql.Composable
    """Condition on an entry to be of one of the units %(units)s."""
    columns: tuple[str, ...]
    """Of the table, that the unit is made of."""
    rows: sql.Composable
    """Condition on a row `f` to be of one of the units %(units)s."""


STREETS = "(kind = 1 AND norm = ANY(%(units)s) OR kind = 2 AND street = ANY(%(units)s))"
SHEETS = "(kind = 3 AND norm = ANY(%(units)s) OR kind = 4 AND split_part(norm, '/', 1) = ANY(%(units)s))"
FEATURES = "(kind = 5 AND item = ANY(%(units)s))"


def parts_of(scope: Scope) -> list[Part]:
    """The statements that fill a scope."""
    layer = scope.layer
    common = {"id": sql.Identifier(layer.id_field), **_places(layer)}
    return [part for part in (_streets(scope, common), _sheets(scope, common), _features(scope, common)) if part]


def _part(
    name: str, unit: sql.Composable, entries: str, columns: tuple[str, ...], names: dict[str, sql.Composable]
) -> Part:
    rows = sql.SQL("{} = ANY(%(units)s)").format(unit)
    return Part(lambda table: sql.SQL(SQL[name]).format(table=table, **names), unit, sql.SQL(entries), columns, rows)


def is_one_of(layer: LayerEntry, values: str) -> sql.Composable:
    """Whether a row's identifier is among texts, by its index where it is a number. `values` names a parameter."""
    held = column_types(layer).get(layer.id_field, "text")
    form = "{} = ANY(%({})s::text[]::bigint[])" if held in _WHOLE else "{}::text = ANY(%({})s)"
    return sql.SQL(form).format(column(layer.id_field), sql.SQL(values))


def _streets(scope: Scope, common: dict[str, sql.Composable]) -> Part | None:
    street, number = scope.named(Role.STREET), scope.named(Role.NUMBER)
    if not street:
        return None
    unit = sql.SQL("layers_search_norm({}::text)").format(column(street))
    if not number:
        return _part("streets", unit, STREETS, (street,), {"street": sql.Identifier(street), **common})
    exponent = _text(scope.named(Role.EXPONENT))
    names = {
        "street": sql.Identifier(street),
        "number": sql.Identifier(number),
        "exponent": sql.SQL("coalesce({}, '')").format(exponent),
        "subtitle": EMPTY,
        **common,
    }
    return _part("addresses", unit, STREETS, (street,), names)


def _sheets(scope: Scope, common: dict[str, sql.Composable]) -> Part | None:
    sheet, parcel = _sheet_and_parcel(scope)
    if sheet is None:
        return None
    names = (scope.named(Role.SHEET) or scope.named(Role.REFERENCE),)
    return _part(
        "parcels", sql.SQL("lower({})").format(sheet), SHEETS, names, {"sheet": sheet, "parcel": parcel, **common}
    )


def _features(scope: Scope, common: dict[str, sql.Composable]) -> Part | None:
    texts = [entry.name for entry in scope.fields if role_of(entry) not in _STRUCTURED]
    if not texts:
        return None
    title = scope.named(Role.NAME) or texts[0]
    rest = [_text(name) for name in texts if name != title]
    joined = sql.SQL("concat_ws(' · ', {})").format(sql.SQL(", ").join(rest)) if rest else EMPTY
    unit = sql.SQL("{}::text").format(column(scope.layer.id_field))
    names = {"title": _text(title), "rest": joined, **common}
    part = _part("features", unit, FEATURES, (scope.layer.id_field,), names)
    return replace(part, rows=is_one_of(scope.layer, "units"))


def _places(layer: LayerEntry) -> dict[str, sql.Composable]:
    """Where a feature is: a point on it and its box, both in EPSG:4326."""
    if not layer.geometry_field or not layer.geometry_type:
        nothing = sql.SQL("NULL::geometry")
        return {"point": nothing, "box": nothing}
    shape: sql.Composable = sql.SQL("ST_Force2D({})").format(column(layer.geometry_field))
    degrees = "{}" if layer.srid == 4326 else "ST_Transform({}, 4326)"
    if layer.geometry_type.upper().removesuffix("Z").removesuffix("M") == "POINT":
        return {"point": sql.SQL(degrees).format(shape), "box": sql.SQL("NULL::geometry")}
    point = sql.SQL(degrees).format(sql.SQL("ST_PointOnSurface({})").format(shape))
    return {"point": point, "box": sql.SQL(degrees).format(sql.SQL("ST_Envelope({})").format(shape))}


def _sheet_and_parcel(scope: Scope) -> tuple[sql.Composable | None, sql.Composable]:
    """SQL texts of sheet and parcel: from their own columns, or out of a national reference D150_001200.345."""
    sheet, parcel, reference = scope.named(Role.SHEET), scope.named(Role.PARCEL), scope.named(Role.REFERENCE)
    if sheet:
        return _unpadded(_text(sheet)), _unpadded(_text(parcel)) if parcel else EMPTY
    if not reference:
        return None, EMPTY
    text = _text(reference)
    return (
        _unpadded(sql.SQL("substring({} FROM '^[A-Z][0-9]{{3}}[A-Z_]?([0-9]{{4}})')").format(text)),
        _unpadded(sql.SQL("substring({} FROM '[.](.+)$')").format(text)),
    )


def _unpadded(text: sql.Composable) -> sql.Composable:
    return sql.SQL("coalesce(regexp_replace(btrim({}), '^0+(?=[0-9])', ''), '')").format(text)


def _text(name: str) -> sql.Composable:
    return sql.SQL("{}::text").format(column(name)) if name else EMPTY
