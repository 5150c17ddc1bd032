"""The pages for people: the same documents as the JSON answers, in Django templates."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.timezone import is_aware, localtime
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


def _cell(value: Any, entry: FieldEntry | None, language: str) -> Any:
    """A value as a table shows it: of a code, what it stands for."""
    return (entry and meaning(entry, value, language)) or said(value, entry)


def title(layer: LayerEntry, language: str) -> str:
    return layer.title_en if language == "en" else layer.title_it


def items(ask: Ask, layer: LayerEntry, collected: dict[str, Any], before: int) -> HttpResponse:
    """A page of features as a table."""
    features = collected["features"]
    known = {entry.name: entry for entry in layer.fields}
    names = list(features[0]["properties"]) if features else []
    asked = [entry.name for entry in layer.visible_fields(ask.audience_for(layer)) if entry.name in ask.request.GET]
    links = {link["rel"]: link["href"] for link in collected["links"]}
    return page(
        ask,
        "items",
        collected,
        layer=layer,
        layer_title=title(layer, ask.language),
        columns=[field_title(known[name], ask.language) if name in known else name for name in names],
        rows=[
            {"id": one["id"], "values": [_cell(v, known.get(n), ask.language) for n, v in one["properties"].items()]}
            for one in features
        ],
        filters=filters(ask, layer),
        narrowed=bool(asked or "q" in ask.request.GET),
        formats=downloads(ask, layer),
        matched=collected.get("numberMatched"),
        first=before + 1,
        last=before + len(features),
        previous=links.get("prev"),
        next=links.get("next"),
    )


def filters(ask: Ask, layer: LayerEntry) -> list[dict[str, Any]]:
    """What the table can be narrowed by: words, where the layer has any to search, and one value of each attribute."""
    visible = layer.visible_fields(ask.audience_for(layer))
    hints = {"date": "2026-11-24", "datetime": "2026-11-24T08:00:00Z", "boolean": "true"}
    words = [{"name": "q", "title": _("Parole"), "hint": ""}] if any(one.is_searchable for one in visible) else []
    values = [
        {"name": one.name, "title": field_title(one, ask.language), "hint": hints.get(one.type, "")}
        for one in visible
        if one.is_filterable and one.type != "json"
    ]
    return [{**one, "value": ask.request.GET.get(one["name"], "")} for one in words + values]


def downloads(ask: Ask, layer: LayerEntry) -> list[dict[str, str]]:
    """The features of this table, all pages of them, as files."""
    kept = ask.request.GET.copy()
    for name in ("f", "limit", "offset", "after"):
        kept.pop(name, None)
    root = f"{ask.base}/collections/{layer.slug}/export"
    return [
        {"title": one.title, "address": f"{root}?{urlencode([('f', one.name), *_pairs(kept)])}"}
        for one in offered(layer)
    ]


def _pairs(asked: QueryDict) -> list[tuple[str, str]]:
    return [(name, value) for name, values in asked.lists() for value in values if isinstance(value, str)]


def field_title(entry: FieldEntry, language: str) -> str:
    return entry.title_en if language == "en" else entry.title_it


def item(ask: Ask, layer: LayerEntry, feature: dict[str, Any]) -> HttpResponse:
    """One feature as a list of facts."""
    known = {entry.name: entry for entry in layer.fields}
    facts = [
        {
            "title": field_title(known[name], ask.language),
            "value": said(value, known[name]),
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


def said(value: Any, entry: FieldEntry | None = None) -> Any:
    """A value as a person reads it; times are those of the city."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return _("sì") if value else _("no")
    if entry and entry.type == "datetime" and (moment := parse_datetime(str(value))):
        local = localtime(moment) if is_aware(moment) else moment
        return date_format(local, "SHORT_DATETIME_FORMAT")
    return value
