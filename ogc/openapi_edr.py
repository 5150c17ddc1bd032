"""The part of the OpenAPI document that tells of the measures at the places of one layer."""

from __future__ import annotations

from typing import Any

from layers.catalogue import LayerEntry
from layers.observations import Parameter


def paths(layer: LayerEntry, name: str, known: dict[str, Parameter]) -> dict[str, Any]:
    """Every query of a layer's measures; none for a layer without."""
    if not known:
        return {}
    here = f"/collections/{layer.slug}"
    names = {"type": "array", "items": {"type": "string", "enum": list(known)}}
    form = _query(
        "f", {"type": "string", "enum": ["CoverageJSON", "GeoJSON", "json"]}, "Format; CoverageJSON unless told."
    )
    crs = _query("crs", {"type": "string", "enum": ["CRS84"], "default": "CRS84"}, "CRS of the answer.")
    common = [
        {"$ref": "#/components/parameters/datetime"},
        _query("parameter-name", names, "These measures."),
        crs,
        form,
    ]
    coords = _query("coords", {"type": "string"}, "WKT in degrees.", required=True)
    place = {"name": "locId", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Device."}
    bbox = {"$ref": "#/components/parameters/bbox"}
    limit = {"$ref": "#/components/parameters/limit"}
    places = [bbox, limit, crs, _query("f", {"type": "string", "enum": ["GeoJSON", "json", "html"]}, "Format.")]
    return {
        f"{here}/locations": {"get": _operation(layer, f"locations{name}", "Places", places)},
        f"{here}/locations/{{locId}}": {"get": _operation(layer, f"location{name}", "Measures", [place, *common])},
        f"{here}/position": {"get": _operation(layer, f"position{name}", "Measures near a point", [coords, *common])},
        f"{here}/area": {"get": _operation(layer, f"area{name}", "Measures in an area", [coords, *common])},
    }


def _query(name: str, schema: dict[str, Any], description: str, *, required: bool = False) -> dict[str, Any]:
    made = {"name": name, "in": "query", "required": required, "description": description, "schema": schema}
    return made | {"style": "form", "explode": False}


def _operation(layer: LayerEntry, name: str, summary: str, parameters: list[Any]) -> dict[str, Any]:
    problem = {"$ref": "#/components/responses/Problem"}
    content: dict[str, Any] = {
        kind: {"schema": {"type": "object"}} for kind in ("application/vnd.cov+json", "application/geo+json")
    }
    content["text/html"] = {"schema": {"type": "string"}}
    return {
        "operationId": name,
        "summary": summary,
        "tags": [layer.slug],
        "parameters": parameters,
        "responses": {
            "200": {"description": "Measures.", "content": content},
            "204": {"description": "Nothing was measured there and then."},
            "304": {"description": "The copy the client holds is still right."},
            **dict.fromkeys(("400", "404", "500", "503"), problem),
        },
    }
