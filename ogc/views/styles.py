"""Styles of the layers: lists, MapLibre styles and SLD to take away, legends (OGC API - Styles Part 1, 20-009)."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from layers.catalogue import LayerEntry
from layers.drawing.legend import legend_picture
from layers.rights import PUBLIC
from layers.styles.exchange.note import note_for
from layers.styles.exchange.qml import MEDIA as QML
from layers.styles.exchange.qml import qml_document
from layers.styles.maplibre import Target, compile_layers, raster_layers
from layers.styles.offered import NamedStyle, offered
from layers.styles.reduced import classed
from layers.styles.sld import sld_document
from ogc import tilesets
from ogc.door import JSON, Ask, door, etag_of, matches
from ogc.errors import InvalidParameter
from ogc.listings import FORMS, answered
from ogc.pages import title
from ogc.pictures import MEDIA, Chosen, can_be_drawn, chosen

MAPLIBRE = "application/vnd.mapbox.style+json"
SLD_10 = "application/vnd.ogc.sld+xml;version=1.0"
SLD_11 = "application/vnd.ogc.sld+xml;version=1.1"
ENCODINGS = {"mapbox": MAPLIBRE, "sld10": SLD_10, "sld11": SLD_11, "qml": QML}
SUGGESTED_ZOOM = 14


@door(FORMS)
def all_styles(ask: Ask) -> HttpResponse:
    """/ogc/styles: every style of every layer the asker may see."""
    layers = [layer for layer in ask.catalogue.visible(ask.audience) if can_be_drawn(layer)]
    rows = [_row(ask, layer, style, f"{layer.slug}:") for layer in layers for style in offered(layer, ask.audience)]
    return answered(ask, {"styles": rows, "links": _self(f"{ask.base}/styles")}, _("Stili"))


@door(FORMS)
def style_list(ask: Ask, slug: str) -> HttpResponse:
    """/ogc/collections/{slug}/styles"""
    one = chosen(ask, slug)
    rows = [_row(ask, one.layer, style) for style in offered(one.layer, one.audience)]
    links = _self(f"{ask.base}/collections/{slug}/styles")
    document = {"default": one.style.name, "styles": rows, "links": links}
    return answered(ask, document, _("Stili"), title(one.layer, ask.language))


@door({"mapbox": MAPLIBRE, "json": JSON, "sld10": SLD_10, "sld11": SLD_11, "sld": SLD_10, "qml": QML})
def style(ask: Ask, slug: str, style: str) -> HttpResponse:
    """/ogc/collections/{slug}/styles/{style}: what a client needs to draw the layer as the portal does."""
    one = chosen(ask, slug, style)
    if ask.format in {"mapbox", "json"}:
        media = MAPLIBRE if ask.format == "mapbox" else JSON
        return _cached(ask, one, _bytes(maplibre(ask, one)), media)
    if one.layer.kind != "vector":
        raise InvalidParameter(f"f={ask.format}: the style of a raster has no SLD and no QML; use f=mapbox.")
    if ask.format == "qml":
        response = _cached(ask, one, qml_document(one.layer, one.style.spec, ask.language), QML)
        response["Content-Disposition"] = f'attachment; filename="{one.layer.slug}-{one.style.name}.qml"'
        return response
    version = "1.1.0" if ask.format == "sld11" else "1.0.0"
    body = sld_document(one.layer, one.style, ask.language, version)
    return _cached(ask, one, body, SLD_11 if ask.format == "sld11" else SLD_10)


@door(MEDIA)
def legend(ask: Ask, slug: str, style: str) -> HttpResponse:
    """/ogc/collections/{slug}/styles/{style}/legend"""
    one = chosen(ask, slug, style)
    title = one.layer.title_en if ask.language == "en" else one.layer.title_it
    etag = etag_of("legend", one.layer.slug, one.version, title, ask.language, ask.format)
    made = b""
    if not matches(ask.request, etag):
        made = legend_picture(one.layer, one.style.spec, ask.language, ask.format, title=title)
    response = _cached(ask, one, made, MEDIA[ask.format])
    response["ETag"] = etag
    return response


def maplibre(ask: Ask, one: Chosen) -> dict[str, Any]:
    """A whole MapLibre style: its sources have absolute addresses, and nothing else is needed but a font."""
    layer, slug = one.layer, one.layer.slug
    low, high = tilesets.zooms(layer)
    xyz = (("{tileMatrix}", "{z}"), ("{tileRow}", "{y}"), ("{tileCol}", "{x}"))
    is_raster = layer.kind != "vector"
    address = (
        tilesets.map_template(layer, one.version, ask.base, "png")
        if is_raster
        else tilesets.template(layer, ask.base, "mvt")
    )
    for ours, theirs in xyz:
        address = address.replace(ours, theirs)
    source = {
        "type": "raster" if is_raster else "vector",
        "tiles": [address],
        "minzoom": low,
        "maxzoom": min(high, 16) if not is_raster else high,
        "attribution": layer.attribution,
        **({"bounds": list(layer.bbox)} if layer.bbox else {}),
        **({"tileSize": 256} if is_raster else {}),
    }
    spec = one.style.spec
    if spec.kind == "cluster":
        # Clusters are made of whole features, which a style file may not drag along: its points stand one by one.
        spec = classed(spec)
    seen = Target(slug, slug, max(layer.min_zoom, spec.min_zoom), min(layer.max_zoom, spec.max_zoom))
    layers = (
        raster_layers(slug, opacity=spec.opacity, min_zoom=seen.min_zoom, max_zoom=seen.max_zoom)
        if is_raster
        else compile_layers(spec, layer.geometry_type, seen)
    )
    middle = {}
    if layer.bbox:
        west, south, east, north = layer.bbox
        middle = {"center": [(west + east) / 2, (south + north) / 2], "zoom": max(low, min(high, SUGGESTED_ZOOM))}
    return {
        "version": 8,
        "name": f"{_title(ask, layer)}: {one.style.title_en if ask.language == 'en' else one.style.title_it}",
        **middle,
        "metadata": note_for(layers, one.style.spec),
        "sources": {slug: source},
        "layers": layers,
    }


def _row(ask: Ask, layer: LayerEntry, style: NamedStyle, prefix: str = "") -> dict[str, Any]:
    here = f"{ask.base}/collections/{layer.slug}/styles/{style.name}"
    forms = ENCODINGS if layer.kind == "vector" else {"mapbox": MAPLIBRE}
    title = style.title_en if ask.language == "en" else style.title_it
    return {
        "id": f"{prefix}{style.name}",
        "title": f"{_title(ask, layer)}: {title}" if prefix else title,
        "links": [
            *({"rel": "stylesheet", "type": media, "href": f"{here}?f={form}"} for form, media in forms.items()),
            {"rel": "http://www.opengis.net/def/rel/ogc/1.0/map", "type": "image/png", "href": f"{here}/map?f=png"},
            {"rel": "preview", "type": "image/png", "href": f"{here}/legend?f=png"},
        ],
    }


def _title(ask: Ask, layer: LayerEntry) -> str:
    return layer.title_en if ask.language == "en" else layer.title_it


def _self(address: str) -> list[dict[str, str]]:
    return [{"rel": "self", "type": JSON, "href": f"{address}?f=json"}]


def _cached(ask: Ask, one: Chosen, body: bytes, media: str) -> HttpResponse:
    response = HttpResponse(body, content_type=media)
    response["Cache-Control"] = "public, no-cache" if one.audience == PUBLIC else "private, no-cache"
    response["Vary"] = "Accept-Language" if one.audience == PUBLIC else "Accept-Language, Cookie"
    return response


def _bytes(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
