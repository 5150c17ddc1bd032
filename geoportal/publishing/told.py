"""What the last page and the report tell of an import: each layer with what was done to it, and what stayed outside."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from layers.models import Layer
from layers.publishing.models import Upload
from layers.publishing.services import EVERY_FILE


def outcomes_of(upload: Upload) -> list[dict[str, Any]]:
    """The outcomes of the import, each with the layer's `title` and `counts`: how many of which trouble."""
    if upload.publication is None:
        return []
    found = upload.publication.result.get("outcomes", [])
    slugs = [outcome["layer"] for outcome in found if outcome.get("layer")]
    layers = {layer.slug: layer for layer in Layer.objects.filter(slug__in=slugs)}
    return [outcome | _of_layer(layers.get(outcome.get("layer"))) | {"counts": _counts(outcome)} for outcome in found]


def _of_layer(layer: Layer | None) -> dict[str, Any]:
    if layer is None:
        return {"title": "", "is_raster": False}
    return {"title": layer.title, "is_raster": layer.kind == Layer.Kind.RASTER}


def _counts(outcome: dict[str, Any]) -> list[str]:
    nulls = outcome.get("null_geometries") if outcome.get("geometry_type") else 0
    counts = (
        (nulls, _("%(count)s senza geometria")),
        (outcome.get("rejected_rows"), _("%(count)s righe non importate")),
    )
    return [text % {"count": count} for count, text in counts if count]


def left_out(upload: Upload) -> list[dict[str, str]]:
    """The files and layers that were looked at and not imported, with the reason: refused, or not chosen."""
    asked = upload.publication.parameters.get("choices", []) if upload.publication else []
    if not asked or any(choice["file"] == EVERY_FILE for choice in asked) or upload.inspection is None:
        return []
    chosen = {(choice["file"], choice["layer"]) for choice in asked}
    found = []
    for number, file in enumerate(upload.inspection.result.get("files", [])):
        if file.get("refused"):
            found.append({"file": file["name"], "layer": "", "reason": file["refused"]})
        for layer in file["layers"]:
            if (number, layer["name"]) not in chosen:
                reason = layer.get("refused") or _("non scelto")
                found.append({"file": file["name"], "layer": layer["name"], "reason": reason})
    return found
