"""Descriptions of the tiles of the whole dataset, or of the collections chosen from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from layers.catalogue import LayerEntry
from layers.crs import EPSG
from layers.drawing.view import Bounds
from layers.rights import Audience
from layers.tile_grids import GRIDS, WEB_MERCATOR, TileGrid
from ogc import tilesets as of_layer
from ogc.config import TITLE
from ogc.tilesets import MVT, WORLD, layer_schema, limits_of, tilejson_layer, zooms


def tilesets(base: str, language: str, collections: str) -> dict[str, Any]:
    """The list of tilesets, one for each tile matrix set."""
    return {
        "links": [{"rel": "self", "type": "application/json", "href": _address(base, "", "json", collections)}],
        "tilesets": [_head(base, language, collections, grid) for grid in GRIDS.values()],
    }


def tileset(
    layers: Sequence[LayerEntry],
    audience: Audience,
    base: str,
    language: str,
    collections: str,
    version: int,
    grid: TileGrid = WEB_MERCATOR,
) -> dict[str, Any]:
    """Metadata of the tileset of these layers."""
    document = _head(base, language, collections, grid)
    low, high = _zooms(layers)
    document["tileMatrixSetLimits"] = limits_of(reach(layers), low, high, grid)
    template = _template(base, collections, layers, version, grid)
    document["links"].append({"rel": "item", "type": MVT, "templated": True, "href": template})
    if grid is WEB_MERCATOR:  # the only grid that TileJSON knows
        tile_json = {"rel": "describedby", "type": "application/json", "title": "TileJSON"}
        document["links"].append({**tile_json, "href": _address(base, f"/{grid.id}", "tilejson", collections)})
    bounds = _union([layer.bbox for layer in layers if layer.bbox] or [WORLD])
    corners = {"lowerLeft": list(bounds[:2]), "upperRight": list(bounds[2:])}
    document["boundingBox"] = {**corners, "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    return document | {"layers": [layer_schema(layer, audience) for layer in layers]}


def tilejson(
    layers: Sequence[LayerEntry], audience: Audience, base: str, language: str, collections: str, version: int
) -> dict[str, Any]:
    """TileJSON 3.0 of these layers together."""
    low, high = _zooms(layers)
    address = _template(base, collections, layers, version, WEB_MERCATOR)
    for ours, theirs in (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}")):
        address = address.replace(ours, theirs)
    return {
        "tilejson": "3.0.0",
        "name": TITLE[language],
        "attribution": ", ".join(dict.fromkeys(layer.attribution for layer in layers if layer.attribution)),
        "scheme": "xyz",
        "tiles": [address],
        "minzoom": low,
        "maxzoom": high,
        "bounds": list(reach(layers)),
        "vector_layers": [tilejson_layer(layer, audience, language) for layer in layers],
    }


def _head(base: str, language: str, collections: str, grid: TileGrid) -> dict[str, Any]:
    scheme = f"{base}/tileMatrixSets/{grid.id}?f=json"
    here = _address(base, f"/{grid.id}", "json", collections)
    tiling = {"rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", "type": "application/json"}
    return {
        "title": TITLE[language],
        "dataType": "vector",
        "crs": f"{EPSG}{grid.srid}",
        "tileMatrixSetURI": grid.uri or scheme.split("?")[0],
        "links": [
            {"rel": "self", "type": "application/json", "href": here},
            {**tiling, "title": grid.id, "href": scheme},
        ],
    }


def _address(base: str, path: str, form: str, collections: str) -> str:
    chosen = f"&collections={quote(collections, safe=',')}" if collections else ""
    return f"{base}/tiles{path}?f={form}{chosen}"


def _template(base: str, collections: str, layers: Sequence[LayerEntry], version: int, grid: TileGrid) -> str:
    address = _address(base, f"/{grid.id}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "mvt", collections)
    return address if any(layer.is_live for layer in layers) else f"{address}&v={version}"


def _zooms(layers: Sequence[LayerEntry]) -> tuple[int, int]:
    reached = [zooms(layer) for layer in layers] or [zooms_of_nothing()]
    return min(low for low, _ in reached), max(high for _, high in reached)


def reach(layers: Sequence[LayerEntry]) -> Bounds:
    """Degrees outside which none of these layers has anything."""
    return _union([of_layer.reach(layer) for layer in layers] or [WORLD])


def _union(boxes: Sequence[Bounds]) -> Bounds:
    west, south = (min(box[at] for box in boxes) for at in (0, 1))
    east, north = (max(box[at] for box in boxes) for at in (2, 3))
    return west, south, east, north


def zooms_of_nothing() -> tuple[int, int]:
    """A dataset of no layer is empty at every zoom."""
    return WEB_MERCATOR.min_zoom, WEB_MERCATOR.max_zoom
