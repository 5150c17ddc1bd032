"""The part of the OpenAPI document that tells of the coverage of one raster."""

from __future__ import annotations

from typing import Any

from layers.catalogue import LayerEntry
from layers.crs import served

_STRINGS = {"type": "array", "items": {"type": "string"}}


def paths(layer: LayerEntry, name: str) -> dict[str, Any]:
    """Every address of a raster's coverage."""
    here = f"/collections/{layer.slug}"
    uris = [crs.uri for crs in served(layer.srid)]
    crs = {"type": "string", "format": "uri", "enum": uris}
    own = [
        {"$ref": "#/components/parameters/bbox"},
        {"$ref": "#/components/parameters/datetime"},
        _query("bbox-crs", crs, "CRS of bbox; CRS84 unless told."),
        _query(
            "subset",
            {"type": "string"},
            "Lat(45.1:45.2),Lon(10.0:10.1), or E(…:…),N(…:…) in its own CRS; Lat(45.1) is a slice.",
        ),
        _query("subset-crs", crs, "CRS of the axes of subset."),
        _query("crs", crs, "CRS of the answer; the coverage's own unless told."),
        _query("properties", _STRINGS, "These bands, by name."),
        _query("scale-factor", {"type": "number", "minimum": 0.1, "maximum": 100_000}, "How many times coarser."),
        _query("scale-axes", {"type": "string"}, "The same by axis: E(2),N(3) or Lon(2),Lat(3)."),
        _query("scale-size", {"type": "string"}, "Cells a side: E(400),N(300) or Lon(400),Lat(300)."),
        _query("f", {"type": "string", "enum": ["tif", "geotiff", "covjson", "html"], "default": "tif"}, "Format."),
    ]
    forms = {"image/tiff": {"type": "string", "format": "binary"}, "application/vnd.cov+json": {"type": "object"}}
    forms["text/html"] = {"type": "string"}
    values = {"description": "The values.", "content": {media: {"schema": schema} for media, schema in forms.items()}}
    page = {"$ref": "#/components/responses/Page"}
    form = [{"$ref": "#/components/parameters/fJson"}, {"$ref": "#/components/parameters/datetime"}]
    return {
        f"{here}/coverage": {"get": _operation(layer, f"coverage{name}", "Coverage", own, values)},
        f"{here}/coverage/domainset": {"get": _operation(layer, f"domainSet{name}", "Domain", form, page)},
        f"{here}/coverage/rangetype": {"get": _operation(layer, f"rangeType{name}", "Fields", form, page)},
        f"{here}/schema": {
            "get": _operation(layer, f"schema{name}", "Fields", [{"$ref": "#/components/parameters/f"}], page)
        },
    }


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    made = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    return made | {"style": "form", "explode": False}


def _operation(
    layer: LayerEntry, name: str, summary: str, parameters: list[Any], answer: dict[str, Any]
) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "tags": [layer.slug],
        "parameters": parameters,
        "responses": {
            "200": answer,
            "304": {"description": "The copy the client holds is still right."},
            **{status: {"$ref": "#/components/responses/Problem"} for status in ("400", "404", "500", "503")},
        },
    }
