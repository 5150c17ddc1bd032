"""The pages for people: the same documents as the JSON answers, in Django templates."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from layers.catalogue import FieldEntry, LayerEntry
from layers.exporting.formats import offered
from ogc import tilesets
from ogc.door import Ask
from ogc.pictures import can_be_drawn


def page(ask: Ask, template: str, document: dict[str, Any], **context: Any) -> HttpResponse:
    """One page, which links to itself as JSON."""
    address = f"{ask.base}{ask.request.path.removeprefix('/ogc')}"
    kept = ask.request.GET.copy()
    kept["f"] = "json"
    whole = {"document": document, "address": f"{ask.base}/", "json_address": f"{address}?{kept.urlencode()}"}
    return render(ask.request, f"ogc/{template}.html", {**whole, **context})


def landing(ask: Ask, body: bytes) -> HttpResponse:
    """The landing page: what there is, and how to connect to it."""
    count = sum(1 for _layer in ask.catalogue.visible(ask.audience))
    command = f"ogr2ogr -f GPKG livelli.gpkg OAPIF:{ask.base}/"
    return page(ask, "landing", json.loads(body), count=count, ogr_command=command)


def collection(ask: Ask, body: bytes, layer: LayerEntry) -> HttpResponse:
    """One layer: description, addresses, CRS."""
    is_raster = layer.kind != "vector"
    path = "map/tiles" if is_raster else "tiles"
    whole = (
        tilesets.map_template(layer, "", ask.base, "png") if is_raster else tilesets.template(layer, ask.base, "mvt")
    )
    xyz = whole.split("&v=")[0]
    for ours, theirs in (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}")):
        xyz = xyz.replace(ours, theirs)
    tiles = f"{ask.base}/collections/{layer.slug}/{path}"
    formats = offered(layer) if layer.kind == "vector" else []
    context = {
        "layer": layer,
        "slug": layer.slug,
        "drawable": can_be_drawn(layer),
        "wms_address": f"{ask.base}/wms",
        "wmts_address": f"{ask.base}/wmts/1.0.0/WMTSCapabilities.xml",
        "xyz_address": xyz,
        "tiles_address": tiles,
        "formats": formats,
    }
    return page(ask, "collection", json.loads(body), **context)


def fields(ask: Ask, body: bytes, layer: LayerEntry, heading: str) -> HttpResponse:
    """The attributes of a layer, as a schema or as queryables."""
    document = json.loads(body)
    rows = [
        {
            "name": name,
            "title": one.get("title", _("Geometria") if name == "geometry" else name),
            "type": one.get("format") or one.get("type", ""),
            "unit": one.get("x-ogc-unit", ""),
            "codes": one.get("oneOf", []),
        }
        for name, one in document["properties"].items()
    ]
    return page(ask, "fields", document, layer=layer, fields=rows, heading=heading)


def meaning(entry: FieldEntry, value: Any, language: str) -> str:
    """What a code stands for, where the attribute has a list of codes."""
    found = next((one for one in entry.codes if one.code == value), None)
    return "" if found is None else found.title_en if language == "en" else found.title_it


def title(layer: LayerEntry, language: str) -> str:
    return layer.title_en if language == "en" else layer.title_it


def items(ask: Ask, layer: LayerEntry, collected: dict[str, Any], before: int) -> HttpResponse:
    """A page of features as a table."""
    features = collected["features"]
    names = list(features[0]["properties"]) if features else []
    titles = {entry.name: (entry.title_en if ask.language == "en" else entry.title_it) for entry in layer.fields}
    links = {link["rel"]: link["href"] for link in collected["links"]}
    return page(
        ask,
        "items",
        collected,
        layer=layer,
        layer_title=title(layer, ask.language),
        columns=[titles.get(name, name) for name in names],
        rows=[{"id": one["id"], "values": [said(v) for v in one["properties"].values()]} for one in features],
        matched=collected.get("numberMatched"),
        first=before + 1,
        last=before + len(features),
        previous=links.get("prev"),
        next=links.get("next"),
    )


def item(ask: Ask, layer: LayerEntry, feature: dict[str, Any]) -> HttpResponse:
    """One feature as a list of facts."""
    known = {entry.name: entry for entry in layer.fields}
    facts = [
        {
            "title": known[name].title_en if ask.language == "en" else known[name].title_it,
            "value": said(value),
            "meaning": meaning(known[name], value, ask.language),
            "unit": known[name].unit if value is not None else "",
        }
        for name, value in feature["properties"].items()
    ]
    geometry = (feature["geometry"] or {}).get("type", _("nessuna"))
    context = {"layer": layer, "layer_title": title(layer, ask.language), "identifier": feature["id"]}
    return page(ask, "item", feature, facts=facts, geometry_type=geometry, **context)


def openapi(ask: Ask, body: bytes) -> HttpResponse:
    """The OpenAPI document as a list of addresses and parameters."""
    document = json.loads(body)
    held = document["components"]["parameters"]
    operations = [
        {
            "path": path,
            "summary": one["summary"],
            "parameters": [held[p["$ref"].rsplit("/", 1)[1]] if "$ref" in p else p for p in one["parameters"]],
        }
        for path, methods in document["paths"].items()
        for one in methods.values()
    ]
    return page(ask, "openapi", document, operations=operations)


def said(value: Any) -> Any:
    """A value as a person reads it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("sì") if value else _("no")
    return value
