"""The part of the OpenAPI document about writing features, for who may (Features Part 4)."""

from __future__ import annotations

from typing import Any

from layers.catalogue import FieldEntry, LayerEntry
from layers.models import Field
from ogc.config import JSON_TYPES

Body = tuple[str, dict[str, Any]] | None
"""Media type and schema of what is sent."""


def creation(layer: LayerEntry, fields: tuple[FieldEntry, ...], name: str) -> dict[str, Any]:
    """POST on the items of a layer."""
    return {"post": _operation(f"create{name}", "Create a feature", layer, "201", body=_whole(layer, fields))}


def changes(layer: LayerEntry, fields: tuple[FieldEntry, ...], name: str) -> dict[str, Any]:
    """PUT, PATCH and DELETE on one feature."""
    whole, part = _whole(layer, fields), ("application/merge-patch+json", _feature(layer, fields, is_whole=False))
    return {
        "put": _operation(f"replace{name}", "Replace a feature", layer, "204", body=whole, one=True),
        "patch": _operation(f"update{name}", "Change part of a feature", layer, "204", body=part, one=True),
        "delete": _operation(f"delete{name}", "Delete a feature", layer, "204", body=None, one=True),
    }


def _whole(layer: LayerEntry, fields: tuple[FieldEntry, ...]) -> Body:
    return "application/geo+json", _feature(layer, fields, is_whole=True) | {"required": ["type"]}


def _feature(layer: LayerEntry, fields: tuple[FieldEntry, ...], *, is_whole: bool) -> dict[str, Any]:
    """What may be written of a feature of this layer, by this writer."""
    written = {entry.name: _value(entry) for entry in fields if entry.name != layer.id_field}
    return {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "geometry": {"type": "object", "nullable": True},
            "properties": {
                "type": "object",
                "nullable": is_whole,
                "properties": written,
                "additionalProperties": False,
            },
        },
    }


def _value(entry: FieldEntry) -> dict[str, Any]:
    if entry.type == Field.Type.JSON:
        return {}
    codes = {"enum": [*(one.code for one in entry.codes), None]} if entry.codes else {}
    return JSON_TYPES[entry.type] | {"nullable": True} | codes


def _operation(
    operation: str, summary: str, layer: LayerEntry, done: str, *, body: Body, one: bool = False
) -> dict[str, Any]:
    problem = {"$ref": "#/components/responses/Problem"}
    parameters: list[dict[str, Any]] = []
    if one:
        parameters.append({"$ref": "#/components/parameters/featureId"})
        parameters.append(_header("If-Match", "ETag of the feature as it was read; if it changed since: 412."))
    if body:
        parameters.append(_header("Content-Crs", "CRS of the geometry; without it CRS84."))
    made: dict[str, Any] = {
        "operationId": operation,
        "summary": summary,
        "tags": [layer.slug],
        "parameters": parameters,
        "responses": {
            done: {"description": "Done; the header ETag names the feature as it is now."},
            **dict.fromkeys(("400", "401", "403", "404", "412", "413", "415", "500", "503"), problem),
        },
    }
    if body:
        media, schema = body
        made["requestBody"] = {"required": True, "content": {media: {"schema": schema}}}
    return made


def _header(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
