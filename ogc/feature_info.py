"""What was found at a pixel, as JSON, as a small page or as plain text."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from layers.catalogue import LayerEntry
from layers.drawing.query import features_at
from layers.drawing.view import View
from layers.sources.remote_info import Spot, remote_info, tells_of_points
from ogc.door import Ask


def can_be_queried(layer: LayerEntry) -> bool:
    """Whether a layer tells what is at a pixel: tables do, and cascaded services that offer it."""
    return layer.kind == "vector" or tells_of_points(layer)


def found_at(ask: Ask, layer: LayerEntry, view: View, pixel: tuple[int, int], limit: int) -> list[dict[str, Any]]:
    """GeoJSON features of a layer at a pixel (column, row), with what this asker may see of them."""
    if layer.kind == "remote":
        return remote_info(layer, Spot(view, *pixel), limit)
    found = features_at(layer, ask.audience_for(layer), view, pixel, limit)
    return list(json.loads(b"[" + found + b"]"))


def written(ask: Ask, found: list[tuple[LayerEntry, list[dict[str, Any]]]], form: str) -> HttpResponse:
    """Features by layer in "application/json", "text/html" or "text/plain"; values are escaped by the template."""
    if form == "application/json":
        found_features = [
            {**feature, "id": f"{layer.slug}.{feature['id']}"} for layer, rows in found for feature in rows
        ]
        body = json.dumps({"type": "FeatureCollection", "features": found_features}, ensure_ascii=False)
        return HttpResponse(body, content_type=form)
    tables: list[tuple[str, list[list[tuple[str, Any]]]]] = []
    for layer, rows in found:
        titles = {entry.name: (entry.title_en if ask.language == "en" else entry.title_it) for entry in layer.fields}
        title = layer.title_en if ask.language == "en" else layer.title_it
        facts = [[(titles.get(name, name), value) for name, value in row["properties"].items()] for row in rows]
        tables.append((title, facts))
    if form == "text/html":
        return render(ask.request, "ogc/feature_info.html", {"tables": tables, "language": ask.language})
    lines = []
    for title, features in tables:
        lines.append(title)
        for number, values in enumerate(features, 1):
            lines.append(f"  {number}")
            lines += [f"    {name} = {'' if value is None else value}" for name, value in values]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
