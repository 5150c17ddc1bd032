"""The part of the OpenAPI document that speaks of pictures: maps, map tiles, styles, legends, WMS, WMTS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from layers.catalogue import LayerEntry
from layers.crs import served
from layers.drawing.view import MAX_SIDE_PX
from layers.tile_grids import GRIDS
from ogc.pictures import can_be_drawn

ADDRESS = "{tileMatrix}/{tileRow}/{tileCol}"
MAP = ["bbox", "bboxCrs", "mapCrs", "width", "height", "transparent", "bgcolor", "datetime", "mapFormat"]
TILE = ["tileMatrix", "tileRow", "tileCol", "tileFormat", "v", "datetime"]

Get = Callable[..., dict[str, Any]]
Parameter = str | dict[str, Any]


def layer_paths(layer: LayerEntry, get: Get, name: str) -> dict[str, Any]:
    """The addresses of one layer's pictures and styles."""
    if not can_be_drawn(layer):
        return {}
    slug, here = layer.slug, f"/collections/{layer.slug}"
    # Where features carry times of their own, a picture of them at another moment is not offered.
    left_out = {"datetime"} if layer.time_field else set()
    asked = [name for name in MAP if name not in left_out]
    tile = [name for name in TILE if name not in left_out]
    styled, key = f"{here}/styles/{{styleId}}", "styleId"
    paths = {
        f"{here}/map": get(f"map{name}", "Map", asked, "Picture", tag=slug),
        f"{here}/styles": get(f"styles{name}", "Styles", ["f"], "Page", tag=slug),
        styled: get(f"style{name}", "One style", [key, "styleFormat"], "Style", tag=slug),
        f"{styled}/legend": get(f"legend{name}", "Legend", [key, "mapFormat"], "Picture", tag=slug),
        f"{styled}/map": get(f"styledMap{name}", "Map in a style", [key, *asked], "Picture", tag=slug),
    }
    for root, kind, first in ((here, "map", []), (styled, "style.map", [key])):
        paths |= _tiles(f"{root}/map/tiles", f"{name}.collection.{kind}", first, get, slug, tile)
    return paths


def _tiles(
    root: str, kind: str, first: Sequence[Parameter], get: Get, slug: str, tile: Sequence[Parameter]
) -> dict[str, Any]:
    paths = {root: get(f"{kind}.getTileSetsList", "Map tilesets", [*first, "f"], "Page", tag=slug)}
    for grid in GRIDS:
        asked = [*first, "f"]
        paths[f"{root}/{grid}"] = get(f"{grid}{kind}.getTileSet", f"Map tileset in {grid}", asked, "Page", tag=slug)
        address = f"{root}/{grid}/{ADDRESS}"
        paths[address] = get(f"{grid}{kind}.getTile", f"Map tile in {grid}", [*first, *tile], "Picture", tag=slug)
    return paths


def shared_paths(get: Get) -> dict[str, Any]:
    """The addresses that hold for all layers."""
    paths = {
        "/map": get("getMap", "Map of several collections", ["collections", *MAP], "Picture"),
        "/styles": get("getStyles", "Every style", ["f"], "Page"),
    }
    for grid in GRIDS:
        paths[f"/tileMatrixSets/{grid}"] = get(f"{grid}.getTileMatrixSet", f"The set {grid}", ["f"], "Page")
    return paths


def parameters(
    query: Callable[..., dict[str, Any]], path: Callable[..., dict[str, Any]], slugs: Sequence[str]
) -> dict[str, Any]:
    """What those addresses ask for."""
    side = {"type": "integer", "minimum": 1, "maximum": MAX_SIDE_PX}
    crs = {"type": "string", "format": "uri", "enum": [one.uri for one in served(None)]}
    names = {"type": "array", "items": {"type": "string", **({"enum": list(slugs)} if slugs else {})}}
    forms = ["png", "jpeg", "webp"]
    return {
        "width": query("width", side, "Pixels."),
        "height": query("height", side, "Pixels."),
        "transparent": query("transparent", {"type": "boolean"}, "Without background."),
        "bgcolor": query("bgcolor", {"type": "string", "pattern": "^(0x|#)?[0-9A-Fa-f]{6}$"}, "Background colour."),
        "bboxCrs": query("bbox-crs", crs, "CRS of the box."),
        "mapCrs": query("crs", crs, "CRS of the picture; else that of the data."),
        "collections": query("collections", names, "Layers, the first one lies below."),
        "mapFormat": query("f", {"type": "string", "enum": forms, "default": "png"}, "Format."),
        "styleFormat": query(
            "f",
            {"type": "string", "enum": ["mapbox", "json", "sld10", "sld11", "sld"], "default": "mapbox"},
            "Encoding.",
        ),
        "styleId": path("styleId", {"type": "string"}, "Name of a style, or default."),
    }
