"""Descriptions of tiles: tile matrix set, tilesets, their limits, TileJSON (OGC 17-083r4, OGC 20-057, TileJSON 3.0)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from layers.catalogue import LayerEntry
from layers.crs import EPSG
from layers.drawing.source import BUFFER_PX
from layers.drawing.view import Bounds, bounds_between
from layers.errors import TileOutOfRange
from layers.rights import Audience
from layers.tile_grids import GRIDS, MAX_ZOOM, TILE_PX, WEB_MERCATOR, TileAddress, TileGrid
from layers.tiles import tile_fields
from ogc.config import JSON_TYPES

MVT = "application/vnd.mapbox-vector-tile"
MAP_FORMS = {"png": "image/png", "webp": "image/webp", "jpeg": "image/jpeg"}
_ADDRESS = "{tileMatrix}/{tileRow}/{tileCol}"
MAX_LATITUDE = 85.0511287798066
WORLD: Bounds = (-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE)


def tile_matrix_set(grid: TileGrid = WEB_MERCATOR) -> dict[str, Any]:
    """The whole definition of a tile matrix set."""
    document: dict[str, Any] = {"id": grid.id, "title": grid.title}
    if grid.uri:
        document["uri"] = grid.uri
    document |= {"crs": f"{EPSG}{grid.srid}", "orderedAxes": ["X", "Y"] if grid.srid == 3857 else ["E", "N"]}
    if grid.scale_set:
        document["wellKnownScaleSet"] = grid.scale_set
    return document | {"tileMatrices": [_matrix(grid, z) for z in range(grid.min_zoom, grid.max_zoom + 1)]}


def _matrix(grid: TileGrid, z: int) -> dict[str, Any]:
    columns, rows = grid.size(z)
    return {
        "id": str(z),
        # Scale denominators stand on the standardised pixel of 0.28 mm.
        "scaleDenominator": grid.cell(z) / 0.00028,
        "cellSize": grid.cell(z),
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [grid.left, grid.top],
        "tileWidth": TILE_PX,
        "tileHeight": TILE_PX,
        "matrixWidth": columns,
        "matrixHeight": rows,
    }


def zooms(layer: LayerEntry) -> tuple[int, int]:
    """Least and greatest zoom of a layer's tiles."""
    return min(layer.min_zoom, MAX_ZOOM), min(layer.max_zoom, MAX_ZOOM)


def limits(layer: LayerEntry, grid: TileGrid = WEB_MERCATOR) -> list[dict[str, Any]]:
    """Rows and columns that can hold something, zoom by zoom."""
    low, high = zooms(layer)
    return limits_of(reach(layer), low, high, grid, margin_of(layer))


def reach(layer: LayerEntry) -> Bounds:
    """Degrees outside which a layer has nothing: the world for one that changes without a version."""
    return WORLD if layer.is_live or layer.past or not layer.bbox else layer.bbox


def margin_of(layer: LayerEntry) -> int:
    """Pixels by which what is drawn may reach past the extent: of symbols and lines, not of pictures."""
    return BUFFER_PX if layer.kind == "vector" else 0


def limits_of(bounds: Bounds, low: int, high: int, grid: TileGrid, margin: int = BUFFER_PX) -> list[dict[str, Any]]:
    """Rows and columns that meet a box of degrees, grown by a margin of pixels."""
    found = []
    for z in range(max(low, grid.min_zoom), min(high, grid.max_zoom) + 1):
        left, right, top, bottom = _span(bounds, grid, z, margin)
        row = {"minTileRow": top, "maxTileRow": bottom, "minTileCol": left, "maxTileCol": right}
        found.append({"tileMatrix": str(z), **row})
    return found


def is_outside(bounds: Bounds, grid: TileGrid, address: TileAddress, margin: int = BUFFER_PX) -> bool:
    """Whether an address is outside the limits that a tileset of these degrees declares."""
    left, right, top, bottom = _span(bounds, grid, address.z, margin)
    return not (left <= address.x <= right and top <= address.y <= bottom)


def refuse_outside(bounds: Bounds, grid: TileGrid, address: TileAddress, margin: int = BUFFER_PX) -> None:
    """To be called of a tile that holds nothing: outside the limits there is none (OGC 20-057, /req/core/tc-error).

    What lies there all the same is served: a table may be written past its measured extent, by SQL or behind a view.
    Raises TileOutOfRange.
    """
    if is_outside(bounds, grid, address, margin):
        left, right, top, bottom = _span(bounds, grid, address.z, margin)
        raise TileOutOfRange(
            f"{address.z}/{address.y}/{address.x} is outside the limits of the tileset: at this zoom it has rows {top} "
            f"to {bottom} and columns {left} to {right}."
        )


@lru_cache(maxsize=4096)
def _span(bounds: Bounds, grid: TileGrid, z: int, margin: int) -> tuple[int, int, int, int]:
    west, south, east, north = bounds
    degrees = max(west, -180.0), max(south, -MAX_LATITUDE), min(east, 180.0), min(north, MAX_LATITUDE)
    box = bounds_between(4326, grid.srid, degrees)
    columns, rows = grid.size(z)
    if box is None:
        return 0, columns - 1, 0, rows - 1
    more = margin * grid.cell(z)
    return grid.span(z, (box[0] - more, box[1] - more, box[2] + more, box[3] + more))


def template(layer: LayerEntry, base: str, form: str, grid: TileGrid = WEB_MERCATOR) -> str:
    """The address of any vector tile of the layer, with its data version so that it can be kept for ever."""
    version = "" if layer.is_live else f"&v={layer.data_version}"
    return f"{base}/collections/{layer.slug}/tiles/{grid.id}/{_ADDRESS}?f={form}{version}"


def map_template(
    layer: LayerEntry, version: str, base: str, form: str, grid: TileGrid = WEB_MERCATOR, style: str = ""
) -> str:
    """The address of any map tile of the layer, with the version of data and style."""
    suffix = "" if layer.is_live else f"&v={version}"
    return f"{_map_tiles(layer, base, style)}/{grid.id}/{_ADDRESS}?f={form}{suffix}"


def _map_tiles(layer: LayerEntry, base: str, style: str) -> str:
    return f"{base}/collections/{layer.slug}{f'/styles/{style}' if style else ''}/map/tiles"


def map_tilesets(layer: LayerEntry, base: str, language: str, style: str = "") -> dict[str, Any]:
    """The list of a layer's tilesets of pictures, one for each tile matrix set."""
    here = _map_tiles(layer, base, style)
    return {
        "links": [{"rel": "self", "type": "application/json", "href": f"{here}?f=json"}],
        "tilesets": [_head(layer, grid, "map", f"{here}/{grid.id}?f=json", base, language) for grid in GRIDS.values()],
    }


def map_tileset(
    layer: LayerEntry, version: str, grid: TileGrid, base: str, language: str, style: str = ""
) -> dict[str, Any]:
    """Metadata of one tileset of pictures."""
    here = _map_tiles(layer, base, style)
    document = _head(layer, grid, "map", f"{here}/{grid.id}?f=json", base, language)
    document["tileMatrixSetLimits"] = limits(layer, grid)
    document["links"] += [
        {
            "rel": "item",
            "type": media,
            "templated": True,
            "href": map_template(layer, version, base, form, grid, style),
        }
        for form, media in MAP_FORMS.items()
    ]
    return document | _bounding_box(layer)


def _head(layer: LayerEntry, grid: TileGrid, data_type: str, address: str, base: str, language: str) -> dict[str, Any]:
    scheme = f"{base}/tileMatrixSets/{grid.id}?f=json"
    return {
        "title": layer.title_en if language == "en" else layer.title_it,
        "dataType": data_type,
        "crs": f"{EPSG}{grid.srid}",
        "tileMatrixSetURI": grid.uri or scheme.split("?")[0],
        "links": [
            {"rel": "self", "type": "application/json", "href": address},
            {
                "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
                "type": "application/json",
                "title": grid.id,
                "href": scheme,
            },
        ],
    }


def _bounding_box(layer: LayerEntry) -> dict[str, Any]:
    if not layer.bbox:
        return {}
    corners = {"lowerLeft": list(layer.bbox[:2]), "upperRight": list(layer.bbox[2:])}
    return {"boundingBox": {**corners, "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}}


def tileset(
    layer: LayerEntry, audience: Audience, base: str, language: str, grid: TileGrid = WEB_MERCATOR
) -> dict[str, Any]:
    """Metadata of one layer's vector tileset."""
    here = f"{base}/collections/{layer.slug}/tiles/{grid.id}"
    document = _head(layer, grid, "vector", f"{here}?f=json", base, language)
    document["tileMatrixSetLimits"] = limits(layer, grid)
    document["links"].append(
        {"rel": "item", "type": MVT, "templated": True, "href": template(layer, base, "mvt", grid)}
    )
    if grid is WEB_MERCATOR:  # the only grid that TileJSON knows
        tile_json = {"rel": "describedby", "type": "application/json", "title": "TileJSON"}
        document["links"].append({**tile_json, "href": f"{here}?f=tilejson"})
    return document | _bounding_box(layer) | {"layers": [layer_schema(layer, audience)]}


def layer_schema(layer: LayerEntry, audience: Audience) -> dict[str, Any]:
    """What stands in a tile of one layer: zooms and attributes."""
    types = {entry.name: entry for entry in layer.fields}
    low, high = zooms(layer)
    return {
        "id": layer.slug,
        "dataType": "vector",
        "minTileMatrix": str(low),
        "maxTileMatrix": str(high),
        "propertiesSchema": {
            "type": "object",
            "properties": {name: JSON_TYPES[types[name].type] for name in tile_fields(layer, audience)},
        },
    }


def tilesets(layer: LayerEntry, base: str, language: str) -> dict[str, Any]:
    """The list of a layer's vector tilesets, one for each tile matrix set."""
    here = f"{base}/collections/{layer.slug}/tiles"
    return {
        "links": [{"rel": "self", "type": "application/json", "href": f"{here}?f=json"}],
        "tilesets": [
            _head(layer, grid, "vector", f"{here}/{grid.id}?f=json", base, language) for grid in GRIDS.values()
        ],
    }


def tilejson(layer: LayerEntry, audience: Audience, base: str, language: str) -> dict[str, Any]:
    """TileJSON 3.0, which MapLibre and QGIS read."""
    low, high = zooms(layer)
    address = template(layer, base, "mvt")
    for ours, theirs in (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}")):
        address = address.replace(ours, theirs)
    return {
        "tilejson": "3.0.0",
        "name": layer.title_en if language == "en" else layer.title_it,
        "attribution": layer.attribution,
        "scheme": "xyz",
        "tiles": [address],
        "minzoom": low,
        "maxzoom": high,
        "bounds": list(reach(layer)),
        "vector_layers": [tilejson_layer(layer, audience, language)],
    }


def tilejson_layer(layer: LayerEntry, audience: Audience, language: str) -> dict[str, Any]:
    """One entry of `vector_layers`."""
    low, high = zooms(layer)
    titles = {entry.name: (entry.title_en if language == "en" else entry.title_it) for entry in layer.fields}
    fields = {name: titles[name] for name in tile_fields(layer, audience)}
    return {"id": layer.slug, "fields": fields, "minzoom": low, "maxzoom": high}
