"""Descriptions of tiles: tile matrix set, tilesets, their limits, TileJSON (OGC 17-083r4, OGC 20-057, TileJSON 3.0)."""

from __future__ import annotations

import math
from typing import Any

from layers.catalogue import LayerEntry
from layers.rights import Audience
from layers.tiles import MAX_ZOOM, WORLD_M, tile_fields
from ogc.config import JSON_TYPES

TMS_ID = "WebMercatorQuad"
TMS_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{TMS_ID}"
MVT = "application/vnd.mapbox-vector-tile"
HALF_M = WORLD_M / 2
MAX_LATITUDE = 85.0511287798066


def tile_matrix_set() -> dict[str, Any]:
    """The whole definition of WebMercatorQuad."""
    return {
        "id": TMS_ID,
        "title": "Google Maps Compatible for the World",
        "uri": TMS_URI,
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [_matrix(z) for z in range(MAX_ZOOM + 1)],
    }


def _matrix(z: int) -> dict[str, Any]:
    cell = WORLD_M / 256 / 2**z
    return {
        "id": str(z),
        # Scale denominators stand on the standardised pixel of 0.28 mm.
        "scaleDenominator": cell / 0.00028,
        "cellSize": cell,
        "cornerOfOrigin": "topLeft",
        "pointOfOrigin": [-HALF_M, HALF_M],
        "tileWidth": 256,
        "tileHeight": 256,
        "matrixWidth": 2**z,
        "matrixHeight": 2**z,
    }


def zooms(layer: LayerEntry) -> tuple[int, int]:
    """Least and greatest zoom of a layer's tiles."""
    return min(layer.min_zoom, MAX_ZOOM), min(layer.max_zoom, MAX_ZOOM)


def limits(layer: LayerEntry) -> list[dict[str, Any]]:
    """Rows and columns that can hold something, zoom by zoom."""
    low, high = zooms(layer)
    west, south, east, north = layer.bbox or (-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE)
    found = []
    for z in range(low, high + 1):
        left, top = _tile_at(z, west, north)
        right, bottom = _tile_at(z, east, south)
        row = {"minTileRow": top, "maxTileRow": bottom, "minTileCol": left, "maxTileCol": right}
        found.append({"tileMatrix": str(z), **row})
    return found


def _tile_at(z: int, longitude: float, latitude: float) -> tuple[int, int]:
    last = 2**z - 1
    sine = math.sin(math.radians(max(-MAX_LATITUDE, min(MAX_LATITUDE, latitude))))
    x = int((longitude + 180) / 360 * 2**z)
    y = int((0.5 - math.log((1 + sine) / (1 - sine)) / (4 * math.pi)) * 2**z)
    return max(0, min(last, x)), max(0, min(last, y))


def template(layer: LayerEntry, base: str, form: str) -> str:
    """The address of any tile of the layer, with its data version so that it can be kept for ever."""
    middle = "map/tiles" if layer.kind == "raster" else "tiles"
    version = "" if layer.is_live else f"&v={layer.data_version}"
    return f"{base}/collections/{layer.slug}/{middle}/{TMS_ID}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f={form}{version}"


def tileset(layer: LayerEntry, audience: Audience, base: str, language: str) -> dict[str, Any]:
    """Metadata of one layer's tileset."""
    is_raster = layer.kind == "raster"
    here = f"{base}/collections/{layer.slug}/{'map/tiles' if is_raster else 'tiles'}"
    forms = {"png": "image/png", "webp": "image/webp"} if is_raster else {"mvt": MVT}
    document: dict[str, Any] = {
        "title": layer.title_en if language == "en" else layer.title_it,
        "dataType": "map" if is_raster else "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": TMS_URI,
        "tileMatrixSetLimits": limits(layer),
        "links": [
            {"rel": "self", "type": "application/json", "href": f"{here}/{TMS_ID}?f=json"},
            {
                "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
                "type": "application/json",
                "title": TMS_ID,
                "href": f"{base}/tileMatrixSets/{TMS_ID}?f=json",
            },
            *(
                {"rel": "item", "type": media, "templated": True, "href": template(layer, base, form)}
                for form, media in forms.items()
            ),
        ],
    }
    if layer.bbox:
        document["boundingBox"] = {
            "lowerLeft": list(layer.bbox[:2]),
            "upperRight": list(layer.bbox[2:]),
            "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        }
    if not is_raster:
        described = {"rel": "describedby", "type": "application/json", "title": "TileJSON"}
        document["links"].append({**described, "href": f"{here}/{TMS_ID}?f=tilejson"})
        document["layers"] = [_layer_schema(layer, audience)]
    return document


def _layer_schema(layer: LayerEntry, audience: Audience) -> dict[str, Any]:
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
    """The list of a layer's tilesets."""
    here = f"{base}/collections/{layer.slug}/{'map/tiles' if layer.kind == 'raster' else 'tiles'}"
    return {
        "links": [{"rel": "self", "type": "application/json", "href": f"{here}?f=json"}],
        "tilesets": [
            {
                "title": layer.title_en if language == "en" else layer.title_it,
                "dataType": "map" if layer.kind == "raster" else "vector",
                "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
                "tileMatrixSetURI": TMS_URI,
                "links": [
                    {"rel": "self", "type": "application/json", "href": f"{here}/{TMS_ID}?f=json"},
                    {
                        "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
                        "type": "application/json",
                        "href": f"{base}/tileMatrixSets/{TMS_ID}?f=json",
                    },
                ],
            }
        ],
    }


def tilejson(layer: LayerEntry, audience: Audience, base: str, language: str) -> dict[str, Any]:
    """TileJSON 3.0, which MapLibre and QGIS read."""
    low, high = zooms(layer)
    address = template(layer, base, "mvt")
    for ours, theirs in (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}")):
        address = address.replace(ours, theirs)
    titles = {entry.name: (entry.title_en if language == "en" else entry.title_it) for entry in layer.fields}
    fields = {name: titles[name] for name in tile_fields(layer, audience)}
    return {
        "tilejson": "3.0.0",
        "name": layer.title_en if language == "en" else layer.title_it,
        "attribution": layer.attribution,
        "scheme": "xyz",
        "tiles": [address],
        "minzoom": low,
        "maxzoom": high,
        "bounds": list(layer.bbox or (-180.0, -MAX_LATITUDE, 180.0, MAX_LATITUDE)),
        "vector_layers": [{"id": layer.slug, "fields": fields, "minzoom": low, "maxzoom": high}],
    }
