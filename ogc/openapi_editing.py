"""The part of the OpenAPI document about writing features, for who may (Features Part 4)."""

from __future__ import annotations

from typing import Any

from layers.catalogue import LayerEntry


def creation(layer: LayerEntry, name: str) -> dict[str, Any]:
    """POST on the items of a layer."""
    return {"post": _operation(f"create{name}", "Create a feature", layer, "201", body="application/geo+json")}


def changes(layer: LayerEntry, name: str) -> dict[str, Any]:
    """PUT, PATCH and DELETE on one feature."""
    return {
        "put": _operation(f"replace{name}", "Replace a feature", layer, "204", body="application/geo+json", one=True),
        "patch": _operation(
            f"update{name}", "Change part of a feature", layer, "204", body="application/merge-patch+json", one=True
        ),
        "delete": _operation(f"delete{name}", "Delete a feature", layer, "204", body="", one=True),
    }


def _operation(
    operation: str, summary: str, layer: LayerEntry, done: str, *, body: str, one: bool = False
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
        schema = {"type": "object"} if "merge" in body else {"$ref": "#/components/schemas/Feature"}
        made["requestBody"] = {"required": True, "content": {body: {"schema": schema}}}
    return made


def _header(name: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
