"""The part of the OpenAPI document that tells of WMS, WMTS and WFS: one address each, `REQUEST` says what is asked.

Names of parameters are read in any case by the services; here they stand in capitals, as the standards write them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from layers.drawing.view import MAX_SIDE_PX
from layers.items import LIMIT_MAX, OFFSET_MAX
from layers.tile_grids import GRIDS
from ogc.tilesets import MAP_FORMS
from ogc.wfs.documents import GML, OPERATIONS
from ogc.wms import INFO_FORMATS, MAP_FORMATS, Version, crs_names
from ogc.wms import REQUESTS as WMS_REQUESTS
from ogc.wmts import OPERATIONS as WMTS_REQUESTS

_TEXT: dict[str, Any] = {"type": "string"}
_WHOLE: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 99_999_999}
_SIDE: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": MAX_SIDE_PX}
_BOX: dict[str, Any] = {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}
_BINARY: dict[str, Any] = {"type": "string", "format": "binary"}
_INFO: dict[str, dict[str, Any]] = {"text/html": _TEXT, "text/plain": _TEXT, "application/json": {"type": "object"}}
_REST = "/wmts/1.0.0/{wmtsLayer}/{wmtsStyle}/{tileMatrixSet}/{tileMatrix}/{tileRow}/{tileCol}.{extension}"
_ADDRESS = ("tileMatrix", "tileRow", "tileCol")


def paths(drawable: Sequence[str]) -> dict[str, Any]:
    """Every address of the three services; `drawable` are the layers that have pictures."""
    pictures = {media.split(";")[0]: _BINARY for media in MAP_FORMATS}
    wms = {"text/xml": _TEXT, "application/vnd.ogc.wms_xml": _TEXT} | pictures | _INFO
    return {
        "/wms": {"get": _get("wms", "Web Map Service 1.3.0 and 1.1.1", _wms(), wms)},
        "/wmts": {"get": _get("wmts", "Web Map Tile Service 1.0.0", _wmts(), {"text/xml": _TEXT} | pictures | _INFO)},
        "/wmts/1.0.0/WMTSCapabilities.xml": {
            "get": _get("wmtsCapabilities", "Capabilities of the WMTS", [], {"text/xml": _TEXT})
        },
        _REST: {"get": _get("wmtsTile", "Tile of the WMTS by its address", _rest(drawable), pictures)},
        "/wfs": {
            "get": _get("wfs", "Web Feature Service 2.0", _wfs(), _WFS_ANSWERS),
            "post": _get("wfsXml", "Web Feature Service 2.0, asked in XML", [], _WFS_ANSWERS)
            | {"requestBody": {"required": True, "content": {"application/xml": {"schema": _TEXT}}}},
        },
    }


_WFS_ANSWERS: dict[str, dict[str, Any]] = {
    "application/xml": _TEXT,
    GML.split(";")[0]: _TEXT,
    "application/json": {"$ref": "#/components/schemas/Features"},
}


def _wms() -> list[dict[str, Any]]:
    return [
        *_head("WMS", WMS_REQUESTS, ["1.3.0", "1.1.1"]),
        _query("LAYERS", _list(), "Layers, the first one lies below."),
        _query("STYLES", _TEXT, "A style for each layer, or nothing."),
        _query("CRS", {"type": "string", "enum": crs_names(Version(True))}, "CRS of the picture (1.3.0)."),
        _query("SRS", {"type": "string", "enum": crs_names(Version(False))}, "CRS of the picture (1.1.1)."),
        _query("BBOX", _BOX, "In the axis order of the CRS (1.3.0); easting first (1.1.1)."),
        _query("WIDTH", _SIDE, "Pixels."),
        _query("HEIGHT", _SIDE, "Pixels."),
        _query("FORMAT", {"type": "string", "enum": list(MAP_FORMATS)}, "Format of the picture."),
        _query("TRANSPARENT", {"type": "string", "enum": ["TRUE", "FALSE"]}, "Without background."),
        _query("BGCOLOR", {"type": "string", "pattern": "^0x[0-9A-Fa-f]{6}$"}, "Background colour."),
        _query("QUERY_LAYERS", _list(), "Layers to ask about."),
        _query("INFO_FORMAT", {"type": "string", "enum": list(INFO_FORMATS)}, "Format of what is found."),
        _query("I", _WHOLE, "Pixel column (1.3.0; X in 1.1.1)."),
        _query("J", _WHOLE, "Pixel row (1.3.0; Y in 1.1.1)."),
        _query("X", _WHOLE, "Pixel column (1.1.1)."),
        _query("Y", _WHOLE, "Pixel row (1.1.1)."),
        _query("FEATURE_COUNT", _WHOLE, "Features of a layer at most."),
        _query("LAYER", _TEXT, "Layer of a legend."),
        _query("STYLE", _TEXT, "Style of a legend."),
        _query("UPDATESEQUENCE", _TEXT, "Of the capabilities the client holds."),
    ]


def _wmts() -> list[dict[str, Any]]:
    return [
        *_head("WMTS", WMTS_REQUESTS, ["1.0.0"]),
        _query("LAYER", _TEXT, "Layer."),
        _query("STYLE", _TEXT, "Style."),
        _query("FORMAT", {"type": "string", "enum": list(MAP_FORMS.values())}, "Format of the tile."),
        _query("TILEMATRIXSET", {"type": "string", "enum": list(GRIDS)}, "Tile matrix set."),
        *(_query(name.upper(), _WHOLE, "Part of the tile's address.") for name in _ADDRESS),
        _query("INFOFORMAT", {"type": "string", "enum": list(INFO_FORMATS)}, "Format of what is found."),
        _query("I", _WHOLE, "Pixel column."),
        _query("J", _WHOLE, "Pixel row."),
    ]


def _rest(drawable: Sequence[str]) -> list[dict[str, Any]]:
    layers = {"type": "string", **({"enum": list(drawable)} if drawable else {})}
    return [
        _path("wmtsLayer", layers, "Layer."),
        _path("wmtsStyle", _TEXT, "Name of a style, or default."),
        _path("tileMatrixSet", {"type": "string", "enum": list(GRIDS)}, "Tile matrix set."),
        *({"$ref": f"#/components/parameters/{name}"} for name in _ADDRESS),
        _path("extension", {"type": "string", "enum": list(MAP_FORMS)}, "Format of the tile."),
    ]


def _wfs() -> list[dict[str, Any]]:
    return [
        *_head("WFS", OPERATIONS, ["2.0.0", "2.0.2"]),
        _query("TYPENAMES", _TEXT, "A layer, as cr:{slug}."),
        _query("COUNT", {"type": "integer", "minimum": 0, "maximum": LIMIT_MAX}, "Features at most."),
        _query("STARTINDEX", {"type": "integer", "minimum": 0, "maximum": OFFSET_MAX}, "Features to skip."),
        _query("SRSNAME", _TEXT, "CRS of the answer."),
        _query("BBOX", _TEXT, "Four numbers in the axis order of its CRS, and the CRS."),
        _query("RESOURCEID", _TEXT, "Features by identifier: slug.id."),
        _query("PROPERTYNAME", _TEXT, "Only these attributes."),
        _query("RESULTTYPE", {"type": "string", "enum": ["results", "hits"]}, "Features, or only how many."),
        _query("OUTPUTFORMAT", {"type": "string", "enum": [GML, "application/json"]}, "GML 3.2 or GeoJSON."),
        _query("FILTER", _TEXT, "A filter of Filter Encoding 2.0."),
        _query("STOREDQUERY_ID", _TEXT, "A stored query."),
        _query("ID", _TEXT, "Its feature."),
    ]


def _head(service: str, operations: Sequence[str], versions: list[str]) -> list[dict[str, Any]]:
    return [
        _query("SERVICE", {"type": "string", "enum": [service]}, "Service.", required=True),
        _query("REQUEST", {"type": "string", "enum": list(operations)}, "What is asked.", required=True),
        _query("VERSION", {"type": "string", "enum": versions}, "Version."),
    ]


def _list() -> dict[str, Any]:
    return {"type": "array", "items": _TEXT}


def _query(name: str, schema: dict[str, Any], description: str, *, required: bool = False) -> dict[str, Any]:
    made = {"name": name, "in": "query", "required": required, "description": description, "schema": schema}
    return made | {"style": "form", "explode": False}


def _path(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _get(
    name: str, summary: str, parameters: list[dict[str, Any]], answers: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    report = {
        "description": "An exception report.",
        "content": {kind: {"schema": _TEXT} for kind in ("text/xml", "application/xml", "application/vnd.ogc.se_xml")}
        | {"application/json": {"schema": {"$ref": "#/components/schemas/Exception"}}},
    }
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["server"],
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {media: {"schema": form} for media, form in answers.items()},
            },
            "304": {"description": "The copy the client holds is still right."},
            **dict.fromkeys(("400", "404", "413", "500", "503"), report),
        },
    }
