"""The part of the OpenAPI document that tells of the records of the catalogue."""

from __future__ import annotations

from typing import Any

from layers.items import OFFSET_MAX
from ogc.records import CATALOGUE, LIMIT_DEFAULT, LIMIT_MAX, SORTABLE

_STRINGS = {"type": "array", "items": {"type": "string"}}


def paths() -> dict[str, Any]:
    """Every address of the catalogue of records."""
    here = f"/collections/{CATALOGUE}"
    record = {"name": "recordId", "in": "path", "required": True, "schema": {"type": "string"}, "description": "Layer."}
    signs = [f"{sign}{name}" for name in SORTABLE for sign in ("", "-", "+")]
    own = [
        _query("limit", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT_DEFAULT}, "How many."),
        _query("offset", {"type": "integer", "minimum": 0, "maximum": OFFSET_MAX, "default": 0}, "How many to skip."),
        _query("q", _STRINGS, "Terms: records that hold any of them."),
        _query("type", _STRINGS, "Kind of resource: dataset."),
        _query("ids", _STRINGS, "These records."),
        _query("externalIds", _STRINGS, "Records of these external identifiers."),
        _query("sortby", {"type": "array", "items": {"type": "string", "enum": signs}}, "Order; - turns it round."),
        {"$ref": "#/components/parameters/bbox"},
        {"$ref": "#/components/parameters/datetime"},
    ]
    return {
        here: {"get": _operation("describeMetadata", "Catalogue of records", [], "Page", "f")},
        f"{here}/sortables": {"get": _operation("sortablesMetadata", "What to sort records by", [], "Page", "fJson")},
        f"{here}/items": {"get": _operation("itemsMetadata", "Records", own, "Features", "fRecords")},
        f"{here}/items/{{recordId}}": {
            "get": _operation("itemMetadata", "One record", [record], "Feature", "fRecords")
        },
    }


def parameters() -> dict[str, Any]:
    """What these addresses add to the parameters of the document."""
    return {"fRecords": _query("f", {"type": "string", "enum": ["json", "geojson", "html"]}, "Format.")}


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    made = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    return made | {"style": "form", "explode": False}


def _operation(name: str, summary: str, own: list[Any], answer: str, form: str) -> dict[str, Any]:
    problem = {"$ref": "#/components/responses/Problem"}
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["server"],
        "parameters": [*own, {"$ref": f"#/components/parameters/{form}"}],
        "responses": {
            "200": {"$ref": f"#/components/responses/{answer}"},
            "304": {"description": "The copy the client holds is still right."},
            **dict.fromkeys(("400", "404", "500", "503"), problem),
        },
    }
