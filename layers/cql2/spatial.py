"""Spatial functions of CQL2: the attribute `geometry` against geometries written in the filter's CRS."""

from __future__ import annotations

import json
from typing import Any

from psycopg2 import sql

from layers.catalogue import LayerEntry
from layers.crs import Crs
from layers.errors import BadQuery
from layers.filters import Clause, box_geometry, column

FUNCTIONS = {
    "s_intersects": "ST_Intersects",
    "s_equals": "ST_Equals",
    "s_disjoint": "ST_Disjoint",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
    "s_overlaps": "ST_Overlaps",
    "s_crosses": "ST_Crosses",
    "s_contains": "ST_Contains",
}
VERTICES_CAP = 1000
KINDS = {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"}


def names(layer: LayerEntry) -> set[str]:
    """What the geometry of a feature may be called in a filter."""
    return {"geometry", layer.geometry_field} if layer.geometry_field else set()


def condition(clause: Clause, layer: LayerEntry, crs: Crs, operator: str, args: list[Any]) -> sql.Composable:
    """One spatial test. Raises BadQuery."""
    if len(args) != 2:
        raise BadQuery("filter", f"{operator!r} takes two geometries, {len(args)} were given.")
    first, second = (_operand(clause, layer, crs, arg) for arg in args)
    return sql.SQL("{}({}, {})").format(sql.SQL(FUNCTIONS[operator]), first, second)


def _operand(clause: Clause, layer: LayerEntry, crs: Crs, tree: Any) -> sql.Composable:
    if not isinstance(tree, dict):
        raise BadQuery("filter", f"{str(tree)[:60]!r} is not a geometry.")
    if "property" in tree:
        if tree["property"] not in names(layer):
            known = ", ".join(sorted(names(layer))) or "none: the collection has no geometry"
            raise BadQuery("filter", f"{str(tree['property'])[:60]!r} is not a geometry; there is {known}.")
        return column(layer.geometry_field)
    if "bbox" in tree:
        numbers = tree["bbox"]
        if not isinstance(numbers, list):
            raise BadQuery("filter", "a BBOX is a list of four or six numbers.")
        return box_geometry(clause, layer, ",".join(str(number) for number in numbers), crs)
    return _literal(clause, layer, crs, tree)


def _literal(clause: Clause, layer: LayerEntry, crs: Crs, tree: dict[str, Any]) -> sql.Composable:
    """A geometry written out: moved to the storage CRS, so that the index of the layer stays usable."""
    shape: sql.Composable = sql.SQL("ST_SetSRID(ST_GeomFromGeoJSON({}), {})").format(
        clause.value(json.dumps(_checked(tree))), clause.value(crs.srid)
    )
    if crs.north_first:
        shape = sql.SQL("ST_FlipCoordinates({})").format(shape)
    storage = layer.srid or 4326
    return shape if storage == crs.srid else sql.SQL("ST_Transform({}, {})").format(shape, clause.value(storage))


def _checked(tree: dict[str, Any]) -> dict[str, Any]:
    kind = tree.get("type")
    if kind == "GeometryCollection" and isinstance(tree.get("geometries"), list):
        inner = [_checked(one) if isinstance(one, dict) else _fail(one) for one in tree["geometries"]]
        if any(one["type"] == "GeometryCollection" for one in inner):
            _fail(tree)
        return {"type": kind, "geometries": inner}
    if kind not in KINDS or not isinstance(tree.get("coordinates"), list):
        _fail(tree)
    if _numbers(tree["coordinates"]) > VERTICES_CAP * 3:
        raise BadQuery("filter", f"a geometry has too many vertices; {VERTICES_CAP} are read at most.")
    rings = {"Polygon": [tree["coordinates"]], "MultiPolygon": tree["coordinates"]}.get(str(kind), [])
    if not all(isinstance(polygon, list) and all(map(_is_ring, polygon)) for polygon in rings):
        raise BadQuery("filter", "a ring of a polygon needs four points or more and ends where it starts.")
    return {"type": kind, "coordinates": tree["coordinates"]}


def _is_ring(tree: Any) -> bool:
    return isinstance(tree, list) and len(tree) >= 4 and bool(tree[0] == tree[-1])


def _numbers(tree: Any) -> int:
    if isinstance(tree, list):
        return sum(_numbers(one) for one in tree)
    if isinstance(tree, bool) or not isinstance(tree, int | float) or not abs(tree) < 1e12:
        _fail(tree)
    return 1


def _fail(tree: Any) -> Any:
    raise BadQuery("filter", f"{str(tree)[:60]!r} is not a geometry that is read here.")
